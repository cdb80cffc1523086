using System.Globalization;

namespace Vernier.Tokens.Unicode;

/// <summary>The characters of every script, and of the properties Alphabetic, Lowercase and Uppercase. Each line of the table: a name, then first and last characters of its runs.</summary>
internal static class CharacterSetTable
{
    private static readonly Lazy<Dictionary<string, (int First, int Last)[]>> Sets = new(Read);

    /// <summary>The runs of a set by its name in lower case without separators, or null.</summary>
    public static (int First, int Last)[]? Find(string name) => Sets.Value.GetValueOrDefault(name);

    private static Dictionary<string, (int First, int Last)[]> Read()
    {
        var sets = new Dictionary<string, (int First, int Last)[]>(StringComparer.Ordinal);
        foreach (var line in UnicodeResource.Lines("CharacterSets.txt"))
        {
            var parts = line.Split(' ');
            sets.Add(parts[0], [.. parts.Skip(1).Select(run => run.Split('-')).Select(run => (Hex(run[0]), Hex(run[^1])))]);
        }
        return sets;
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
