namespace Vernier.Options;

/// <summary>What somebody who mistyped a name may have meant.</summary>
internal static class Suggestion
{
    /// <summary>The known name that is nearest to <paramref name="word"/>; null where none is near. Near: a name that begins with the word, or one that a few
    /// edits (a letter put in, left out, changed, or two neighbours swapped) turn the word into: about a third of its letters, at least one.</summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        ArgumentNullException.ThrowIfNull(word);
        ArgumentNullException.ThrowIfNull(known);
        var typed = Plain(word);
        if (typed.Length is 0 or > 64)
            return null;
        var best = known.Select(name => (Name: name, Distance: Distance(typed, Plain(name)))).DefaultIfEmpty((Name: "", Distance: int.MaxValue)).MinBy(k => k.Distance);
        if (best.Distance <= Math.Max(1, (typed.Length + 1) / 3))
            return best.Name;
        return typed.Length < 3 ? null : known.FirstOrDefault(name => Plain(name).StartsWith(typed, StringComparison.Ordinal));
    }

    /// <summary><c>; did you mean 'NAME'?</c>, or nothing.</summary>
    public static string Hint(string word, IEnumerable<string> known) => Nearest(word, known) is { } name ? $"; did you mean '{name}'?" : "";

    // Capitals and the kind of dash are no mistakes worth counting.
    private static string Plain(string name) => name.ToLowerInvariant().Replace('_', '-');

    /// <summary>Optimal string alignment: insertions, deletions, changes, swaps of neighbours.</summary>
    private static int Distance(string a, string b)
    {
        var (two, one, now) = (new int[b.Length + 1], new int[b.Length + 1], new int[b.Length + 1]);
        for (var j = 0; j <= b.Length; j++)
            one[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            now[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                now[j] = Math.Min(Math.Min(one[j], now[j - 1]) + 1, one[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    now[j] = Math.Min(now[j], two[j - 2] + 1);
            }
            (two, one, now) = (one, now, two);
        }
        return one[b.Length];
    }
}
