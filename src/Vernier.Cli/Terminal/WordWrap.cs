using System.Text;

namespace Vernier.Cli.Terminal;

/// <summary>Breaks a line of a heading and a text at words where the terminal would break it inside one.</summary>
internal static class WordWrap
{
    private const int Narrowest = 30; // below, breaking at words leaves more holes than it saves

    /// <param name="heading">Stands before the first row; the others are indented by its width.</param>
    /// <param name="columns">Of the terminal.</param>
    /// <returns>Rows. A word that is longer than a row stays whole.</returns>
    public static IEnumerable<string> Rows(string heading, string text, int columns)
    {
        if (columns < Narrowest)
        {
            yield return heading + text;
            yield break;
        }
        var indent = new string(' ', VisibleText.Columns(heading));
        var row = new StringBuilder(heading);
        var empty = true;
        foreach (var word in text.Split(' '))
        {
            if (!empty && VisibleText.Columns(row.ToString()) + 1 + VisibleText.Columns(word) >= columns)
            {
                yield return row.ToString();
                row.Clear().Append(indent);
                empty = true;
            }
            row.Append(empty ? "" : " ").Append(word);
            empty = false;
        }
        yield return row.ToString();
    }
}
