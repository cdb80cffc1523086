namespace Vernier.Fingerprint;

/// <summary>Two files of hashes beside each other.</summary>
internal static class Comparison
{
    public static int Print(string before, string after)
    {
        var (a, b) = (Read(before), Read(after));
        foreach (var (file, line) in ((string, string)[])[(before, Machine(before)), (after, Machine(after))])
            Console.WriteLine($"{line}   ({file})");
        var differences = 0;
        foreach (var name in a.Keys.Union(b.Keys).Order(StringComparer.Ordinal))
        {
            var what = !a.TryGetValue(name, out var x) ? "new" : !b.TryGetValue(name, out var y) ? "missing" : x != y ? "differs" : null;
            if (what is null)
                continue;
            Console.WriteLine($"{what,-8} {name}");
            differences += what == "new" ? 0 : 1;
        }
        Console.WriteLine($"{a.Count} before, {b.Count} after, {differences} differ or are missing");
        return differences == 0 ? 0 : 1;
    }

    private static Dictionary<string, string> Read(string path) => File.ReadLines(path)
        .Where(l => l.Length > 0 && l[0] != '#')
        .ToDictionary(l => l[..l.LastIndexOf(' ')], l => l[(l.LastIndexOf(' ') + 1)..], StringComparer.Ordinal);

    private static string Machine(string path) => File.ReadLines(path).First();
}
