namespace Vernier.Cli.Tests.Terminal;

/// <summary>What a terminal of some width shows of a stream of bytes: enough of a VT100 to judge what a person sees. What it does not know fails the test.</summary>
internal sealed class ScreenImage(int columns)
{
    private readonly List<char[]> _rows = [];
    private readonly HashSet<int> _wraps = [];
    private int _row, _column;
    private bool _full; // the last column is written: the next character wraps

    /// <summary>All rows from the top, what has scrolled away too, without blanks at the ends and empty rows.</summary>
    public IReadOnlyList<string> Rows => [.. _rows.Select(row => new string(row).TrimEnd()).Where(row => row.Length > 0)];

    /// <summary>All rows as one text, joined where a line wrapped at the last column.</summary>
    public string Text => string.Concat(_rows.Index().Select(row => _wraps.Contains(row.Index) ? new string(row.Item) : new string(row.Item).TrimEnd() + "\n"));

    public ScreenImage Show(string output)
    {
        for (var at = 0; at < output.Length; at++)
        {
            switch (output[at])
            {
                case '\e':
                    at = Sequence(output, at + 1);
                    break;
                case '\r':
                    (_column, _full) = (0, false);
                    break;
                case '\n':
                    (_row, _full) = (_row + 1, false);
                    break;
                case '\t':
                    _column = Math.Min(columns - 1, (_column / 8 + 1) * 8);
                    break;
                case '\b':
                    _column = Math.Max(0, _column - 1);
                    break;
                case >= ' ' and not '\u007f':
                    Put(output[at]);
                    break;
                default:
                    Assert.Fail($"the terminal got the control character {(int)output[at]:x2}");
                    break;
            }
        }
        return this;
    }

    private char[] Row
    {
        get
        {
            while (_rows.Count <= _row)
            {
                _rows.Add(new char[columns]);
                _rows[^1].AsSpan().Fill(' ');
            }
            return _rows[_row];
        }
    }

    private void Put(char character)
    {
        if (_full)
        {
            _wraps.Add(_row);
            (_row, _column, _full) = (_row + 1, 0, false);
        }
        Row[_column] = character;
        _full = _column == columns - 1;
        _column = Math.Min(_column + 1, columns - 1);
    }

    /// <summary>Colours and the runtime's setting of the keypad change nothing that is seen.</summary>
    private int Sequence(string output, int at)
    {
        if (output[at] is '=' or '>')
            return at;
        Assert.True(output[at] == '[', $"the terminal got the sequence ESC {output[at]}");
        var start = ++at;
        while (output[at] is (>= '0' and <= '9') or ';' or '?')
            at++;
        switch (output[at])
        {
            case 'm' or 'h' or 'l':
                break;
            case 'K' when at == start || output[start] == '0':
                Row.AsSpan(_column).Fill(' ');
                break;
            default:
                Assert.Fail($"the terminal got the sequence ESC [{output[start..(at + 1)]}");
                break;
        }
        return at;
    }
}
