using System.Text;

namespace Vernier.Cli.Terminal;

/// <summary>One line typed at a terminal, with the usual keys and a history. The line never wraps: what does not fit scrolls sideways.</summary>
internal sealed class LineEditor
{
    private readonly List<string> _history = [];
    private readonly StringBuilder _text = new();
    private int _cursor;
    private int _start; // of what is shown
    private int _recalled; // the place in the history that is edited
    private int _columns; // drawn last
    private string _prompt = "";

    /// <summary>Both streams that editing needs are a terminal.</summary>
    public static bool IsPossible => !Console.IsInputRedirected && Screen.ErrorRewrites;

    /// <summary>Reads a line. Ctrl-C takes away what is typed; with nothing typed it breaks off.</summary>
    /// <returns>null where Ctrl-D has ended the input.</returns>
    /// <exception cref="OperationCanceledException">Ctrl-C was pressed and nothing was typed.</exception>
    public string? Read(string prompt)
    {
        (_prompt, _cursor, _start, _columns, _recalled) = (prompt, 0, 0, 0, _history.Count);
        _text.Clear();
        var before = Console.TreatControlCAsInput;
        Console.TreatControlCAsInput = true;
        try
        {
            return ReadKeys();
        }
        finally
        {
            Console.TreatControlCAsInput = before;
        }
    }

    private string? ReadKeys()
    {
        Draw();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            var control = key.Modifiers.HasFlag(ConsoleModifiers.Control);
            if (key.Key == ConsoleKey.Enter || key.KeyChar is '\n' or '\r')
                return Entered();
            if (control && (key.Key is ConsoleKey.C || (key.Key is ConsoleKey.D && _text.Length == 0)))
            {
                if (_text.Length == 0)
                {
                    Screen.RawError.WriteLine();
                    return key.Key is ConsoleKey.D ? null : throw new OperationCanceledException();
                }
                Replace("");
            }
            else if (control)
                Control(key.Key);
            else
                Edit(key);
            Draw();
        }
    }

    private string Entered()
    {
        var text = _text.ToString();
        Screen.RawError.WriteLine($"\r{_prompt}{VisibleText.Line(text)}"); // whole: it stays to be read
        if (text.Length > 0 && (_history.Count == 0 || _history[^1] != text))
            _history.Add(text);
        return text;
    }

    private void Edit(ConsoleKeyInfo key)
    {
        switch (key.Key)
        {
            case ConsoleKey.LeftArrow:
                _cursor = Before(_cursor);
                break;
            case ConsoleKey.RightArrow:
                _cursor = After(_cursor);
                break;
            case ConsoleKey.Home:
                _cursor = 0;
                break;
            case ConsoleKey.End:
                _cursor = _text.Length;
                break;
            case ConsoleKey.UpArrow:
                Recall(_recalled - 1);
                break;
            case ConsoleKey.DownArrow:
                Recall(_recalled + 1);
                break;
            case ConsoleKey.Backspace:
                Remove(Before(_cursor), _cursor);
                break;
            case ConsoleKey.Delete:
                Remove(_cursor, After(_cursor));
                break;
            default:
                if (!char.IsControl(key.KeyChar))
                    _text.Insert(_cursor++, key.KeyChar);
                break;
        }
    }

    /// <summary>The keys that shells have had since Emacs.</summary>
    private void Control(ConsoleKey key)
    {
        switch (key)
        {
            case ConsoleKey.P:
                Recall(_recalled - 1);
                break;
            case ConsoleKey.N:
                Recall(_recalled + 1);
                break;
            case ConsoleKey.D:
                Remove(_cursor, After(_cursor));
                break;
            case ConsoleKey.H:
                Remove(Before(_cursor), _cursor);
                break;
            case ConsoleKey.K:
                Remove(_cursor, _text.Length);
                break;
            case ConsoleKey.U:
                Remove(0, _cursor);
                break;
            case ConsoleKey.W or ConsoleKey.Backspace:
                Remove(WordBefore(_cursor), _cursor);
                break;
            default:
                _cursor = Moved(key);
                break;
        }
    }

    /// <summary>Where a key with Ctrl takes the cursor.</summary>
    private int Moved(ConsoleKey key) => key switch
    {
        ConsoleKey.A => 0,
        ConsoleKey.E => _text.Length,
        ConsoleKey.B => Before(_cursor),
        ConsoleKey.F => After(_cursor),
        ConsoleKey.LeftArrow => WordBefore(_cursor),
        ConsoleKey.RightArrow => WordAfter(_cursor),
        _ => _cursor,
    };

    private void Recall(int place)
    {
        if (place < 0 || place > _history.Count)
            return;
        _recalled = place;
        Replace(place < _history.Count ? _history[place] : "");
    }

    private void Replace(string text)
    {
        _text.Clear().Append(text);
        (_cursor, _start) = (text.Length, 0);
    }

    private void Remove(int from, int to)
    {
        _text.Remove(from, to - from);
        _cursor = from;
    }

    private void Draw()
    {
        var text = _text.ToString();
        var room = Math.Max(2, Screen.Width - 1 - VisibleText.Columns(_prompt));
        _start = Math.Min(_start, _cursor);
        while (Columns(text[_start.._cursor]) >= room)
            _start = After(_start);
        var end = _cursor;
        while (end < text.Length && Columns(text[_start..After(end)]) < room)
            end = After(end);
        var (left, shown) = (VisibleText.Line(text[_start.._cursor]), VisibleText.Line(text[_start..end]));
        var columns = VisibleText.Columns(shown);
        // Written anew up to the cursor to put it there: no terminal needs to know more than a carriage return.
        Screen.RawError.Write($"\r{_prompt}{shown}{new string(' ', Math.Max(0, Math.Min(_columns, room) - columns))}\r{_prompt}{left}");
        _columns = columns;
    }

    private static int Columns(string text) => VisibleText.Columns(VisibleText.Line(text));

    private int Before(int at)
    {
        do
            at = Math.Max(0, at - 1);
        while (at > 0 && Continues(at));
        return at;
    }

    private int After(int at)
    {
        do
            at = Math.Min(_text.Length, at + 1);
        while (at < _text.Length && Continues(at));
        return at;
    }

    private int WordBefore(int at)
    {
        while (at > 0 && !char.IsLetterOrDigit(_text[at - 1]))
            at--;
        while (at > 0 && char.IsLetterOrDigit(_text[at - 1]))
            at--;
        return at;
    }

    private int WordAfter(int at)
    {
        while (at < _text.Length && !char.IsLetterOrDigit(_text[at]))
            at++;
        while (at < _text.Length && char.IsLetterOrDigit(_text[at]))
            at++;
        return at;
    }

    /// <summary>The character belongs to the one before it: half of a pair, or a mark that takes no column.</summary>
    private bool Continues(int at) => char.IsLowSurrogate(_text[at]) || (!char.IsSurrogate(_text[at]) && VisibleText.Columns(_text[at].ToString()) == 0);
}
