namespace Vernier.Tokens.Unicode;

/// <summary>Reads a table that <c>lab/unicode-tables.py</c> made of the Unicode Character Database and that lies in the assembly.</summary>
internal static class UnicodeResource
{
    public static IEnumerable<string> Lines(string name)
    {
        using var stream = typeof(UnicodeResource).Assembly.GetManifestResourceStream($"Vernier.Tokens.Unicode.{name}")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
            if (!line.StartsWith('#'))
                yield return line;
    }
}
