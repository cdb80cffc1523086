using System.Text.RegularExpressions;
using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>README quotes files between <c>&lt;!-- path --&gt;</c> and <c>&lt;!-- end --&gt;</c>; the quotation is the file.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public void QuotesItsSamplesExactly()
    {
        var readme = File.ReadAllText(Checkout.At("README.md"));
        var quotations = Regex.Matches(readme, @"<!-- (?<path>[\w./]+\.cs) -->\n```csharp\n(?<code>.*?)```\n<!-- end -->", RegexOptions.Singleline);
        Assert.Contains(quotations, q => q.Groups["path"].Value == "samples/Quickstart/Program.cs");
        Assert.All(quotations, q => Assert.Equal(File.ReadAllText(Checkout.At(q.Groups["path"].Value)), q.Groups["code"].Value));
    }
}
