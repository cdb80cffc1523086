using System.Globalization;

namespace Vernier.Tokens.Unicode;

/// <summary>The characters of every script (Unicode's Scripts.txt). Each line of the table: the script's name, then first and last characters of its runs.</summary>
internal static class ScriptTable
{
    private static readonly Lazy<Dictionary<string, (int First, int Last)[]>> Scripts = new(Read);

    /// <summary>The runs of a script by its name in lower case without separators, or null.</summary>
    public static (int First, int Last)[]? Find(string name) => Scripts.Value.GetValueOrDefault(name);

    private static Dictionary<string, (int First, int Last)[]> Read()
    {
        var scripts = new Dictionary<string, (int First, int Last)[]>(StringComparer.Ordinal);
        foreach (var line in UnicodeResource.Lines("Scripts.txt"))
        {
            var parts = line.Split(' ');
            scripts.Add(parts[0], [.. parts.Skip(1).Select(run => run.Split('-')).Select(run => (Hex(run[0]), Hex(run[^1])))]);
        }
        return scripts;
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
