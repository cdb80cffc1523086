namespace Vernier.Evaluation;

/// <summary>Porter's stemming algorithm (M. F. Porter, "An algorithm for suffix stripping", Program 14, 1980) with NLTK's extensions,
/// which ROUGE scores are defined by. Words are lower-case ASCII letters and digits.</summary>
internal static class PorterStemmer
{
    private static readonly Dictionary<string, string> Irregular = new()
    {
        ["sky"] = "sky",
        ["skies"] = "sky",
        ["dying"] = "die",
        ["lying"] = "lie",
        ["tying"] = "tie",
        ["news"] = "news",
        ["innings"] = "inning",
        ["inning"] = "inning",
        ["outings"] = "outing",
        ["outing"] = "outing",
        ["cannings"] = "canning",
        ["canning"] = "canning",
        ["howe"] = "howe",
        ["proceed"] = "proceed",
        ["exceed"] = "exceed",
        ["succeed"] = "succeed",
    };

    private static readonly (string Suffix, string Replacement)[] Step1aRules = [("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")];

    private static readonly (string Suffix, string Replacement)[] Step2Rules =
    [
        ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"), ("alli", "al"),
        ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"),
        ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful"),
    ];

    private static readonly (string Suffix, string Replacement)[] Step3Rules =
        [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];

    private static readonly string[] Step4Suffixes =
        ["al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize"];

    /// <summary>The stem of a lower-case word.</summary>
    public static string Stem(string word)
    {
        if (Irregular.TryGetValue(word, out var irregular))
            return irregular;
        if (word.Length <= 2)
            return word;
        word = Step1c(Step1b(Step1a(word)));
        return Step5b(Step5a(Step4(Step3(Step2(word)))));
    }

    private static string Step1a(string word)
    {
        if (word.Length == 4 && word.EndsWith("ies", StringComparison.Ordinal))
            return word[..^1];
        foreach (var (suffix, replacement) in Step1aRules)
            if (Strip(word, suffix) is { } stem)
                return stem + replacement;
        return word;
    }

    private static string Step1b(string word)
    {
        if (Strip(word, "ied") is { } short1)
            return short1 + (word.Length == 4 ? "ie" : "i");
        if (Strip(word, "eed") is { } eed)
            return Measure(eed) > 0 ? eed + "ee" : word;
        var stem = Strip(word, "ed") is { } ed && ContainsVowel(ed) ? ed : Strip(word, "ing") is { } ing && ContainsVowel(ing) ? ing : null;
        if (stem is null)
            return word;
        if (stem.EndsWith("at", StringComparison.Ordinal) || stem.EndsWith("bl", StringComparison.Ordinal) || stem.EndsWith("iz", StringComparison.Ordinal))
            return stem + "e";
        if (EndsDoubleConsonant(stem))
            return stem[^1] is 'l' or 's' or 'z' ? stem : stem[..^1];
        return Measure(stem) == 1 && EndsConsonantVowelConsonant(stem) ? stem + "e" : stem;
    }

    private static string Step1c(string word) =>
        word.Length > 2 && word[^1] == 'y' && IsConsonant(word, word.Length - 2) ? word[..^1] + "i" : word;

    private static string Step2(string word)
    {
        if (Strip(word, "alli") is { } stem && Measure(stem) > 0)
            return Step2(stem + "al");
        // the l of logi counts for the stem, so that short ones (geo, theo) are treated as long ones (archaeo)
        if (word.EndsWith("logi", StringComparison.Ordinal))
            return Measure(word.AsSpan()[..^3]) > 0 ? word[..^1] : word;
        return ReplaceWherePositive(word, Step2Rules);
    }

    private static string Step3(string word) => ReplaceWherePositive(word, Step3Rules);

    private static string Step4(string word)
    {
        foreach (var suffix in Step4Suffixes)
            if (Strip(word, suffix) is { } stem)
                return Measure(stem) > 1 && (suffix != "ion" || stem[^1] is 's' or 't') ? stem : word;
        return word;
    }

    private static string Step5a(string word)
    {
        if (Strip(word, "e") is not { } stem)
            return word;
        var measure = Measure(stem);
        return measure > 1 || (measure == 1 && !EndsConsonantVowelConsonant(stem)) ? stem : word;
    }

    private static string Step5b(string word) =>
        word.EndsWith("ll", StringComparison.Ordinal) && Measure(word.AsSpan()[..^1]) > 1 ? word[..^1] : word;

    private static string ReplaceWherePositive(string word, (string Suffix, string Replacement)[] rules)
    {
        foreach (var (suffix, replacement) in rules)
            if (Strip(word, suffix) is { } stem)
                return Measure(stem) > 0 ? stem + replacement : word;
        return word;
    }

    private static string? Strip(string word, string suffix) => word.EndsWith(suffix, StringComparison.Ordinal) ? word[..^suffix.Length] : null;

    /// <summary>y is a consonant at the start and after a vowel.</summary>
    private static bool IsConsonant(ReadOnlySpan<char> word, int at) => word[at] switch
    {
        'a' or 'e' or 'i' or 'o' or 'u' => false,
        'y' => at == 0 || !IsConsonant(word, at - 1),
        _ => true,
    };

    /// <summary>Porter's m: how often a vowel is followed by a consonant.</summary>
    private static int Measure(ReadOnlySpan<char> stem)
    {
        var measure = 0;
        for (var i = 1; i < stem.Length; i++)
            if (IsConsonant(stem, i) && !IsConsonant(stem, i - 1))
                measure++;
        return measure;
    }

    private static bool ContainsVowel(ReadOnlySpan<char> stem)
    {
        for (var i = 0; i < stem.Length; i++)
            if (!IsConsonant(stem, i))
                return true;
        return false;
    }

    private static bool EndsDoubleConsonant(ReadOnlySpan<char> word) =>
        word.Length >= 2 && word[^1] == word[^2] && IsConsonant(word, word.Length - 1);

    private static bool EndsConsonantVowelConsonant(ReadOnlySpan<char> word)
    {
        var n = word.Length;
        if (n == 2)
            return !IsConsonant(word, 0) && IsConsonant(word, 1);
        return n >= 3 && IsConsonant(word, n - 3) && !IsConsonant(word, n - 2) && IsConsonant(word, n - 1) && word[^1] is not ('w' or 'x' or 'y');
    }
}
