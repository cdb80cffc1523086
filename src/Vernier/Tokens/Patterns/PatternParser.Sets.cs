using System.Globalization;
using static Vernier.Tokens.Patterns.PatternNode;

namespace Vernier.Tokens.Patterns;

/// <content>Sets in brackets and what a backslash means.</content>
internal sealed partial class PatternParser
{
    private static readonly CharacterSet LineEnds = CharacterSet.Union(
        [CharacterSet.Range('\n', '\r'), CharacterSet.Of(0x85), CharacterSet.Range(0x2028, 0x2029)]);

    /// <summary>A set after its opening bracket; sets may hold sets, and <c>&amp;&amp;</c> takes what both sides have.</summary>
    private CharacterSet ReadSet()
    {
        if (++_depth > DeepestNesting)
            throw Refuse($"more than {DeepestNesting} nested groups");
        var isNegative = TryTake('^');
        CharacterSet? before = null;
        var meetings = 0;
        var items = new List<CharacterSet>();
        for (var isFirst = true; ; isFirst = false)
        {
            if (Ends)
                throw Refuse("a set without an end");
            if (_text[_at] == ']' && !isFirst)
                break;
            if (_at + 1 < _text.Length && _text[_at] == '&' && _text[_at + 1] == '&')
            {
                _at += 2;
                if (++meetings > DeepestNesting)
                    throw Refuse($"more than {DeepestNesting} sets that meet");
                before = Meet(before, items);
                items = [];
                continue;
            }
            items.Add(ReadItem());
        }
        _at++;
        _depth--;
        var set = Meet(before, items);
        // Case is folded before the set is turned round.
        if (_ignoresCase && isNegative)
            set = set.IgnoringCase();
        return isNegative ? set.Not() : set;
    }

    private static CharacterSet Meet(CharacterSet? before, List<CharacterSet> items)
    {
        var union = items.Count == 0 ? CharacterSet.Any.Not() : CharacterSet.Union(items);
        return before is null ? union : before.And(union);
    }

    private CharacterSet ReadItem()
    {
        var c = _text[_at++];
        if (c == '[')
            return TryReadPosixClass() ?? ReadSet();
        var first = c;
        if (c == '\\')
        {
            if (TryReadClass() is { } named)
                return named;
            first = ReadEscapedCharacter(isInSet: true);
        }
        // A hyphen at the end of a set is itself.
        if (_at + 1 >= _text.Length || _text[_at] != '-' || _text[_at + 1] is ']')
            return CharacterSet.Of(first);
        var hyphen = _at++;
        var last = _text[_at++];
        if (last == '[' || (last == '\\' && IsClassAhead()))
        {
            _at = hyphen;
            return CharacterSet.Of(first);
        }
        if (last == '\\')
            last = ReadEscapedCharacter(isInSet: true);
        return last >= first ? CharacterSet.Range(first, last) : throw Refuse("a range whose end is below its beginning");
    }

    private bool IsClassAhead() => !Ends && _text[_at] is 'd' or 'D' or 'w' or 'W' or 's' or 'S' or 'h' or 'H' or 'p' or 'P' or 'R' or 'X';

    private CharacterSet? TryReadPosixClass()
    {
        if (Ends || _text[_at] != ':')
            return null;
        var end = Array.IndexOf(_text, ':', _at + 1);
        if (end < 0 || end + 1 >= _text.Length || _text[end + 1] != ']')
            return null;
        _at++;
        var isNegative = TryTake('^');
        var name = Name(_at, end);
        if (!name.All(char.IsAsciiLetter))
            return null;
        var set = CharacterProperties.Find(name) ?? throw Refuse($"the class [:{name}:]");
        _at = end + 2;
        return isNegative ? set.Not() : set;
    }

    /// <summary>What follows a backslash outside of a set.</summary>
    private PatternNode ReadEscape()
    {
        if (TryReadClass() is { } named)
            return Set(named);
        if (Ends)
            throw Refuse("a backslash at the end");
        var place = (char)Math.Min(_text[_at], 0xFFFF) switch
        {
            'b' => Place.WordEdge,
            'B' => Place.NoWordEdge,
            'A' => Place.TextStart,
            'z' => Place.TextEnd,
            'Z' => Place.TextEndOrLastLine,
            'G' => Place.SearchStart,
            _ => (Place?)null,
        };
        if (place is { } found)
        {
            _at++;
            return new Edge(found);
        }
        if (TryTake('R'))
            return new Atomic(new Choice([new Sequence([new One(CharacterSet.Of('\r')), new One(CharacterSet.Of('\n'))]), new One(LineEnds)]));
        return Set(CharacterSet.Of(ReadEscapedCharacter(isInSet: false)));
    }

    /// <summary>\d, \s, \w, \h, \p{...} and their opposites.</summary>
    private CharacterSet? TryReadClass()
    {
        if (Ends)
            return null;
        var c = _text[_at];
        var set = c switch
        {
            'd' or 'D' => CharacterProperties.Find("Nd"),
            's' or 'S' => CharacterSet.Space,
            'w' or 'W' => CharacterSet.Word,
            'h' or 'H' => CharacterProperties.Find("xdigit"),
            _ => null,
        };
        if (set is not null)
        {
            _at++;
            return c is 'D' or 'S' or 'W' or 'H' ? set.Not() : set;
        }
        return c is 'p' or 'P' ? ReadProperty(isNegative: c == 'P') : null;
    }

    private CharacterSet ReadProperty(bool isNegative)
    {
        _at++;
        string name;
        if (TryTake('{'))
        {
            var end = Array.IndexOf(_text, '}', _at);
            if (end < 0)
                throw Refuse("a property without an end");
            if (TryTake('^'))
                isNegative = !isNegative;
            name = Name(_at, end);
            _at = end + 1;
        }
        else
        {
            if (Ends)
                throw Refuse("a property without a name");
            name = Name(_at, _at + 1);
            _at++;
        }
        // Script=Han and the like.
        name = name[(name.IndexOf('=') + 1)..];
        var set = CharacterProperties.Find(name) ?? throw Refuse($"the property {name}");
        return isNegative ? set.Not() : set;
    }

    private int ReadEscapedCharacter(bool isInSet)
    {
        if (Ends)
            throw Refuse("a backslash at the end");
        var c = _text[_at++];
        switch (c)
        {
            case 'n': return '\n';
            case 't': return '\t';
            case 'r': return '\r';
            case 'f': return '\f';
            case 'v': return '\v';
            case 'a': return '\a';
            case 'e': return 0x1B;
            case 'b' when isInSet: return '\b';
            case '0': return 0;
            case 'x' when TryTake('{'): return ReadHex(8, closes: true);
            case 'x': return ReadHex(2, closes: false);
            case 'u': return ReadHex(4, closes: false);
            case >= '1' and <= '9': throw Refuse("a reference to a group");
            case < 128 when char.IsAsciiLetter((char)c): throw Refuse($"\\{(char)c}");
            default: return c;
        }
    }

    private int ReadHex(int most, bool closes)
    {
        var start = _at;
        while (_at < _text.Length && _at - start < most && _text[_at] < 128 && char.IsAsciiHexDigit((char)_text[_at]))
            _at++;
        if (_at == start || !int.TryParse(Name(start, _at), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) || value is < 0 or > 0x10FFFF)
            throw Refuse("a number that is no character");
        return !closes || TryTake('}') ? value : throw Refuse("a number without an end");
    }

    private string Name(int start, int end) => string.Concat(_text[start..end].Select(char.ConvertFromUtf32));
}
