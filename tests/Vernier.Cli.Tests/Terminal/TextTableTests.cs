using Vernier.Cli.Terminal;

namespace Vernier.Cli.Tests.Terminal;

/// <summary>Tables hold text, whatever it looks like.</summary>
public sealed class TextTableTests
{
    private static TextTable Table()
    {
        var table = new TextTable("figures", ["name", "value"]);
        table.Add(("[red]plain[/] [", false), ("1.5", true));
        table.Add();
        table.Add(("a\e[2Jb\nc", false), ("", false));
        return table;
    }

    [Fact]
    public void AGridWhereThereIsRoom()
    {
        var lines = Table().Draw(40, strong: false).ReplaceLineEndings("\n").Split('\n');
        Assert.Equal(["figures", "┌─────────────────┬───────┐", "│ name            │ value │", "├─────────────────┼───────┤", "│ [red]plain[/] [ │   1.5 │", "│                 │       │",
            "│ a\\x1b[2Jb\\nc    │       │", "└─────────────────┴───────┘", ""], lines);
        Assert.Contains("\e[1m1.5\e[0m", Table().Draw(40, strong: true), StringComparison.Ordinal);
        Assert.DoesNotContain("\e[3", Table().Draw(40, strong: true), StringComparison.Ordinal);
    }

    [Fact]
    public void AListWhereThereIsNone() =>
        Assert.Equal(["figures", "[red]plain[/] [", "  value: 1.5", "a\\x1b[2Jb\\nc", ""], Table().Draw(26, strong: false).ReplaceLineEndings("\n").Split('\n'));
}
