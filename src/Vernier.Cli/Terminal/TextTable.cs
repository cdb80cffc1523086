using Spectre.Console;
using Cell = Spectre.Console.Text;

namespace Vernier.Cli.Terminal;

/// <summary>A table on standard output. It is the only place that draws with Spectre.Console, and cells are plain text there: nothing is ever read as markup.
/// Where the terminal is too narrow for it, every row becomes a few lines.</summary>
/// <param name="Title">The line above.</param>
/// <param name="Columns">Their headings; all but the first hold figures.</param>
internal sealed record TextTable(string Title, IReadOnlyList<string> Columns)
{
    private const int BorderOfCell = 3;
    private const int WidthOfFiles = 120; // a file has no width of its own
    private readonly List<(string Text, bool Strong)[]> _rows = [];

    /// <summary>Adds a row; an empty one parts what is above it from what is below.</summary>
    public void Add(params (string Text, bool Strong)[] cells) =>
        _rows.Add([.. cells.Select(cell => (VisibleText.Line(cell.Text), cell.Strong))]);

    public void Write() =>
        Screen.RawOutput.Write(Draw(Width, strong: !Console.IsOutputRedirected && Screen.Colors));

    /// <summary>It can be drawn as a grid where standard output goes.</summary>
    public bool Fits => FitsIn(Width);

    private static int Width => Console.IsOutputRedirected ? WidthOfFiles : Screen.Width;

    private bool FitsIn(int width) =>
        Columns.Index().Sum(c => _rows.Where(r => c.Index < r.Length).Select(r => VisibleText.Columns(r[c.Index].Text)).Append(c.Item.Length).Max() + BorderOfCell) < width;

    /// <summary>The table as text.</summary>
    /// <param name="width">Columns that there are.</param>
    /// <param name="strong">Strong cells are set in bold, by an escape sequence.</param>
    internal string Draw(int width, bool strong)
    {
        using var to = new StringWriter();
        to.WriteLine(VisibleText.Line(Title));
        if (FitsIn(width))
            DrawGrid(to, width, strong);
        else
            DrawList(to);
        return to.ToString();
    }

    private void DrawGrid(StringWriter to, int width, bool strong)
    {
        var settings = new AnsiConsoleSettings
        {
            Ansi = strong ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors, // bold is all that is used
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(to),
        };
        var console = AnsiConsole.Create(settings);
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = true;
        var table = new Table();
        foreach (var (index, heading) in Columns.Index())
        {
            var column = new TableColumn(new Cell(heading));
            table.AddColumn(index == 0 ? column : column.RightAligned());
        }
        foreach (var row in _rows)
            table.AddRow(Columns.Index().Select(c => c.Index < row.Length ? new Cell(row[c.Index].Text, row[c.Index].Strong ? new Style(decoration: Decoration.Bold) : Style.Plain) : new Cell("")));
        console.Write(table);
    }

    private void DrawList(StringWriter to)
    {
        foreach (var row in _rows.Where(row => row.Length > 0))
        {
            to.WriteLine(row[0].Text);
            foreach (var (index, cell) in row.Index().Skip(1).Where(at => at.Item.Text.Length > 0))
                to.WriteLine($"  {Columns[index]}: {cell.Text}");
        }
    }
}
