using System.Text.RegularExpressions;
using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>What docs/index.md promises: every page is listed, every link leads somewhere, a decision is read in two minutes.</summary>
public sealed class DocumentationTests
{
    private const int WordsOfTwoMinutes = 500;

    [Fact]
    public void TheIndexListsEveryPage()
    {
        var index = File.ReadAllText(Checkout.At("docs/index.md"));
        Assert.All(Pages("docs").Where(p => p != "index.md"), page => Assert.Contains($"]({page})", index, StringComparison.Ordinal));
    }

    [Fact]
    public void LinksLeadSomewhere()
    {
        string[] pages = [.. Pages("docs").Select(p => $"docs/{p}"), "README.md", "CONTRIBUTING.md", "SECURITY.md", "samples/README.md", "bench/README.md", "fuzz/README.md", "lab/Fingerprint/README.md"];
        Assert.All(pages, page =>
        {
            var folder = Path.GetDirectoryName(Checkout.At(page))!;
            var links = Regex.Matches(File.ReadAllText(Checkout.At(page)), @"\]\((?<to>[^)#\s]+)(#[^)]*)?\)").Select(m => m.Groups["to"].Value).Where(l => !l.Contains("://", StringComparison.Ordinal));
            Assert.All(links, link => Assert.True(Path.Exists(Path.Combine(folder, link)), $"{page}: {link}"));
        });
    }

    [Fact]
    public void DecisionsAreReadInTwoMinutes() => Assert.All(Pages("docs/decisions"), page =>
        Assert.InRange(File.ReadAllText(Checkout.At($"docs/decisions/{page}")).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length, 1, WordsOfTwoMinutes));

    /// <summary>The library's page shows pieces of a sample that is built and run, and leaves none out.</summary>
    [Fact]
    public void TheLibraryPageQuotesItsSample()
    {
        var sample = File.ReadAllText(Checkout.At("samples/Library/Program.cs")) + "\n";
        var pieces = Regex.Matches(sample, @"^// (?<name>\w+)\n(?<code>.+?\n)(?=\n)", RegexOptions.Singleline | RegexOptions.Multiline).ToDictionary(m => m.Groups["name"].Value, m => m.Groups["code"].Value);
        var quotations = Regex.Matches(File.ReadAllText(Checkout.At("docs/library.md")), @"<!-- samples/Library/Program\.cs: (?<name>\w+) -->\n```csharp\n(?<code>.*?)```", RegexOptions.Singleline);
        Assert.Equal(pieces.Keys.Order(), quotations.Select(q => q.Groups["name"].Value).Order());
        Assert.All(quotations, q => Assert.Equal(pieces[q.Groups["name"].Value], q.Groups["code"].Value));
    }

    private static IEnumerable<string> Pages(string folder) =>
        Directory.EnumerateFiles(Checkout.At(folder), "*.md", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Checkout.At(folder), f).Replace('\\', '/'));
}
