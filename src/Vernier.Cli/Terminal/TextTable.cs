using Spectre.Console;

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

    public void Write()
    {
        Console.Out.WriteLine(Title);
        var width = Console.IsOutputRedirected ? WidthOfFiles : Screen.Width;
        if (Enumerable.Range(0, Columns.Count).Sum(c => _rows.Where(r => c < r.Length).Select(r => VisibleText.Columns(r[c].Text)).Append(Columns[c].Length).Max() + BorderOfCell) + 1 <= width)
            WriteGrid(width);
        else
            WriteList();
    }

    private void WriteGrid(int width)
    {
        var settings = new AnsiConsoleSettings
        {
            Ansi = Console.IsOutputRedirected || !Screen.Colors ? AnsiSupport.No : AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors, // bold is all that is used
            Out = new AnsiConsoleOutput(Screen.RawOutput),
        };
        var console = AnsiConsole.Create(settings);
        console.Profile.Width = width;
        var table = new Table();
        foreach (var (index, heading) in Columns.Index())
        {
            var column = new TableColumn(new Text(heading));
            table.AddColumn(index == 0 ? column : column.RightAligned());
        }
        foreach (var row in _rows)
            table.AddRow(Enumerable.Range(0, Columns.Count).Select(c => c < row.Length ? new Text(row[c].Text, row[c].Strong ? new Style(decoration: Decoration.Bold) : Style.Plain) : new Text("")));
        console.Write(table);
    }

    private void WriteList()
    {
        foreach (var row in _rows.Where(row => row.Length > 0))
        {
            Console.Out.WriteLine(row[0].Text);
            foreach (var (index, cell) in row.Index().Skip(1).Where(at => at.Item.Text.Length > 0))
                Console.Out.WriteLine($"  {Columns[index]}: {cell.Text}");
        }
    }
}
