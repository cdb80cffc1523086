using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

public sealed class CliReferenceTests
{
    /// <summary>With VERNIER_UPDATE_DOCS=1 the page is written anew.</summary>
    [Fact]
    public void ThePageIsWhatTheVerbsSay()
    {
        var (path, text) = (Checkout.At("docs/cli.md"), CliReference.Markdown());
        if (Environment.GetEnvironmentVariable("VERNIER_UPDATE_DOCS") == "1")
            File.WriteAllText(path, text);
        Assert.True(File.ReadAllText(path) == text, "docs/cli.md is out of date: VERNIER_UPDATE_DOCS=1 dotnet test tests/Vernier.Cli.Tests --filter CliReferenceTests");
    }
}
