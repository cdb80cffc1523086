using System.Text;

namespace Vernier.Tokens.Unicode;

/// <summary>
/// Brings text to a normal form by own tables, on every machine alike: .NET leaves text as it is where globalization is
/// invariant, and refuses noncharacters where it is not. A lone surrogate becomes U+FFFD.
/// </summary>
internal static class UnicodeNormalizer
{
    /// <summary>Below the first combining mark all text is in form C; below the first accented letter it is in every form.</summary>
    private const char LastPlainInC = '\u02FF';
    private const char LastPlain = '\u007F';

    /// <summary>The text in a normal form; the same string where it is in that form already.</summary>
    public static string Normalize(string text, NormalForm form)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', form == NormalForm.C ? LastPlainInC : LastPlain) || IsPlain(text, form))
            return text;
        var isCompatible = form is NormalForm.KC or NormalForm.KD;
        var characters = Decompose(text, isCompatible, NormalizationTable.Instance);
        if (form is NormalForm.C or NormalForm.KC)
            Compose(characters, NormalizationTable.Instance);
        var result = new StringBuilder(text.Length);
        foreach (var (character, _) in characters)
            result.Append(new Rune(character));
        return result.ToString();
    }

    /// <summary>All characters stand in the form whatever is beside them.</summary>
    private static bool IsPlain(string text, NormalForm form)
    {
        var table = NormalizationTable.Instance;
        for (var at = 0; at < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, at, out var rune) || !table.IsInert(rune.Value, form))
                return false;
            at += rune.Utf16SequenceLength;
        }
        return true;
    }

    private static List<(int Character, byte Class)> Decompose(string text, bool isCompatible, NormalizationTable table)
    {
        var characters = new List<(int Character, byte Class)>(text.Length);
        foreach (var rune in text.EnumerateRunes())
            Add(rune.Value);
        Order(characters);
        return characters;

        void Add(int character)
        {
            if (Hangul.TryDecompose(character, out var lead, out var vowel, out var tail))
            {
                characters.Add((lead, 0));
                characters.Add((vowel, 0));
                if (tail != 0)
                    characters.Add((tail, 0));
            }
            else if (table.Decompose(character, isCompatible) is { } parts)
            {
                foreach (var part in parts)
                    Add(part);
            }
            else
            {
                characters.Add((character, table.Class(character)));
            }
        }
    }

    /// <summary>Sorts every run of marks by class, equal ones in their order.</summary>
    private static void Order(List<(int Character, byte Class)> characters)
    {
        for (var start = 0; start < characters.Count; start++)
        {
            if (characters[start].Class == 0)
                continue;
            var end = start + 1;
            var isSorted = true;
            for (; end < characters.Count && characters[end].Class != 0; end++)
                isSorted &= characters[end - 1].Class <= characters[end].Class;
            if (!isSorted)
            {
                var sorted = characters.GetRange(start, end - start).OrderBy(mark => mark.Class).ToList();
                for (var i = 0; i < sorted.Count; i++)
                    characters[start + i] = sorted[i];
            }
            start = end;
        }
    }

    /// <summary>Joins every mark to the starter before it where nothing of its class or above stands between (Unicode 15, section 3.11, D117).</summary>
    private static void Compose(List<(int Character, byte Class)> characters, NormalizationTable table)
    {
        var (kept, starter, lastClass) = (0, -1, -1);
        for (var i = 0; i < characters.Count; i++)
        {
            var (character, combining) = characters[i];
            var isReached = kept - 1 == starter || lastClass < combining;
            if (starter >= 0 && isReached && table.Compose(characters[starter].Character, character) is >= 0 and var composed)
            {
                characters[starter] = (composed, 0);
                continue;
            }
            if (combining == 0)
                starter = kept;
            lastClass = combining;
            characters[kept++] = (character, combining);
        }
        characters.RemoveRange(kept, characters.Count - kept);
    }
}
