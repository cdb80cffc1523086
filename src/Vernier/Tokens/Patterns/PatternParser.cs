using System.Globalization;
using System.Text;
using static Vernier.Tokens.Patterns.PatternNode;

namespace Vernier.Tokens.Patterns;

/// <summary>Reads a regular expression in Oniguruma's spelling, which is what tokenizer files are written in. What it cannot do is refused by name.</summary>
internal sealed partial class PatternParser
{
    private const int DeepestNesting = 100;
    private const int MostRepeats = 100_000;
    private const int MostRepeatsInARow = 8;

    private readonly string _source;
    private readonly int[] _text;
    private int _at;
    private int _depth;
    private bool _ignoresCase;
    private bool _dotTakesLines;
    private bool _isExtended;

    private PatternParser(string source)
    {
        _source = source;
        _text = [.. source.EnumerateRunes().Select(rune => rune.Value)];
    }

    /// <exception cref="NotSupportedException">The expression is not valid, or asks for something that is not done here.</exception>
    public static PatternNode Parse(string source)
    {
        var parser = new PatternParser(source);
        var node = parser.ReadChoice();
        return parser._at == parser._text.Length ? node : throw parser.Refuse("a parenthesis that opens nothing");
    }

    private bool Ends => _at == _text.Length;

    private PatternNode ReadChoice()
    {
        if (++_depth > DeepestNesting)
            throw Refuse($"more than {DeepestNesting} nested groups");
        var (ignoresCase, dotTakesLines, isExtended) = (_ignoresCase, _dotTakesLines, _isExtended);
        var ways = new List<PatternNode> { ReadSequence() };
        while (TryTake('|'))
            ways.Add(ReadSequence());
        (_ignoresCase, _dotTakesLines, _isExtended) = (ignoresCase, dotTakesLines, isExtended);
        _depth--;
        return ways is [var only] ? only : new Choice(ways);
    }

    private PatternNode ReadSequence()
    {
        var parts = new List<PatternNode>();
        while (!Ends && _text[_at] is not ('|' or ')'))
        {
            if (_isExtended && TrySkipSpace())
                continue;
            if (ReadAtom() is { } atom)
                parts.Add(ReadRepeats(atom));
        }
        return parts is [var only] ? only : new Sequence(parts);
    }

    private PatternNode ReadRepeats(PatternNode part)
    {
        for (var count = 0; !Ends; count++)
        {
            if (count > MostRepeatsInARow)
                throw Refuse($"more than {MostRepeatsInARow} repetitions in a row");
            var start = _at;
            var (least, most, isCounted) = (0, int.MaxValue, false);
            switch (_text[_at++])
            {
                case '*': break;
                case '+': least = 1; break;
                case '?': most = 1; break;
                case '{' when TryReadCounts(out least, out most): isCounted = true; break;
                default:
                    _at = start;
                    return part;
            }
            if (part is Edge or Look)
                throw Refuse("a repeated place");
            // {2,3}+ is two repetitions; ?+ *+ ++ keep what they took.
            var greed = TryTake('?') ? Greed.Lazy : !isCounted && TryTake('+') ? Greed.Possessive : Greed.Greedy;
            part = new Repeat(part, least, most, greed);
        }
        return part;
    }

    private bool TryReadCounts(out int least, out int most)
    {
        var start = _at;
        var hasLeast = TryReadNumber(out least);
        most = least;
        var hasMost = hasLeast;
        if (TryTake(','))
        {
            hasMost = TryReadNumber(out most);
            if (!hasMost)
                most = int.MaxValue;
        }
        if ((hasLeast || hasMost) && TryTake('}'))
            return most >= least ? true : throw Refuse("a count whose end is below its beginning");
        _at = start;
        return false;
    }

    private bool TryReadNumber(out int number)
    {
        number = 0;
        var start = _at;
        while (!Ends && _text[_at] is >= '0' and <= '9')
        {
            number = 10 * number + _text[_at++] - '0';
            if (number > MostRepeats)
                throw Refuse($"a count above {MostRepeats}");
        }
        return _at > start;
    }

    /// <summary>One part; null for a comment or a setting.</summary>
    private PatternNode? ReadAtom()
    {
        var c = _text[_at++];
        return c switch
        {
            '(' => ReadGroup(),
            '[' => Set(ReadSet()),
            '\\' => ReadEscape(),
            '.' => new One(_dotTakesLines ? CharacterSet.Any : CharacterSet.Of('\n').Not()),
            '^' => new Edge(Place.LineStart),
            '$' => new Edge(Place.LineEnd),
            '*' or '+' or '?' => throw Refuse("a repetition of nothing"),
            _ => Set(CharacterSet.Of(c)),
        };
    }

    private One Set(CharacterSet set) => new(_ignoresCase ? set.IgnoringCase() : set);

    private PatternNode? ReadGroup()
    {
        if (!TryTake('?'))
            return Close(ReadChoice());
        if (Ends)
            throw Refuse("a group without an end");
        switch (_text[_at++])
        {
            case ':': return Close(ReadChoice());
            case '=': return Close(new Look(ReadChoice(), IsBehind: false, IsNegative: false));
            case '!': return Close(new Look(ReadChoice(), IsBehind: false, IsNegative: true));
            case '>': return Close(new Atomic(ReadChoice()));
            case '#':
                while (!Ends && _text[_at] != ')')
                    _at++;
                Close(Nothing);
                return null;
            case '<' when TryTake('='): return Close(Behind(ReadChoice(), isNegative: false));
            case '<' when TryTake('!'): return Close(Behind(ReadChoice(), isNegative: true));
            case '<' or 'P' when TrySkipName(): return Close(ReadChoice());
            default:
                _at--;
                return ReadSettings();
        }
    }

    private Look Behind(PatternNode part, bool isNegative) => (part is Choice choice ? choice.Ways : [part]).All(way => way.Width() is not null)
        ? new Look(part, IsBehind: true, isNegative)
        : throw Refuse("a look behind of no fixed length");

    private bool TrySkipName()
    {
        TryTake('<');
        var start = _at;
        while (!Ends && (Rune.IsLetterOrDigit(new Rune(_text[_at])) || _text[_at] == '_'))
            _at++;
        return _at > start && TryTake('>') ? true : throw Refuse("a group with no valid name");
    }

    private PatternNode? ReadSettings()
    {
        var (ignoresCase, dotTakesLines, isExtended) = (_ignoresCase, _dotTakesLines, _isExtended);
        var isOn = true;
        for (; !Ends; _at++)
            switch (_text[_at])
            {
                case '-': isOn = false; break;
                case 'i': _ignoresCase = isOn; break;
                case 'm' or 's': _dotTakesLines = isOn; break;
                case 'x': _isExtended = isOn; break;
                case ')':
                    _at++;
                    // The rest of the group, its other ways too, has the setting.
                    return ReadRestOfGroup();
                case ':':
                    _at++;
                    var body = Close(ReadChoice());
                    (_ignoresCase, _dotTakesLines, _isExtended) = (ignoresCase, dotTakesLines, isExtended);
                    return body;
                default: throw Refuse($"a group that begins with (?{char.ConvertFromUtf32(_text[_at])}");
            }
        throw Refuse("a group without an end");
    }

    private PatternNode ReadRestOfGroup()
    {
        var ways = new List<PatternNode> { ReadSequence() };
        while (TryTake('|'))
            ways.Add(ReadSequence());
        return ways is [var only] ? only : new Choice(ways);
    }

    private PatternNode Close(PatternNode node) => TryTake(')') ? node : throw Refuse("a group without an end");

    private bool TrySkipSpace()
    {
        if (_text[_at] == '#')
        {
            while (!Ends && _text[_at] != '\n')
                _at++;
            return true;
        }
        if (!CharacterSet.Space.Contains(_text[_at]))
            return false;
        _at++;
        return true;
    }

    private bool TryTake(char c)
    {
        if (Ends || _text[_at] != c)
            return false;
        _at++;
        return true;
    }

    private NotSupportedException Refuse(string what) => new(string.Create(CultureInfo.InvariantCulture,
        $"the pattern \"{(_source.Length > 200 ? _source[..200] + "..." : _source)}\" has {what} at character {_at}, which is not understood here"));
}
