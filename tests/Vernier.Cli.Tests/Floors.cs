using System.Globalization;
using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>The floor of each room of a project, as the tables of docs/architecture.md state: under a heading <c>### src/Project</c>, rows of floor, room and what it is.</summary>
internal static class Floors
{
    public static Dictionary<string, int> Of(string project)
    {
        var rows = File.ReadLines(Checkout.At("docs/architecture.md"))
            .SkipWhile(l => l != $"### src/{project}").Skip(1).TakeWhile(l => !l.StartsWith('#'))
            .Where(l => l.StartsWith('|')).Skip(2);
        return rows.Select(r => r.Split('|', StringSplitOptions.TrimEntries)).ToDictionary(c => c[2].Trim('`'), c => int.Parse(c[1], CultureInfo.InvariantCulture));
    }
}
