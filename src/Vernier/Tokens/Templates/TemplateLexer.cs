using System.Globalization;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>
/// Cuts a Jinja template into tokens, with trim_blocks (the line end after a block tag goes) and lstrip_blocks (blanks
/// before a block tag that begins its line go), and with <c>-</c> and <c>+</c> at a tag's edge.
/// </summary>
internal sealed class TemplateLexer
{
    private static readonly string[] Operators =
        ["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|"];

    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _line = 1;
    private bool _atLineStart = true;
    private bool _stripNext;

    private TemplateLexer(string source) => _source = source;

    public static List<TemplateToken> Read(string source)
    {
        source = source.ReplaceLineEndings("\n");
        var lexer = new TemplateLexer(source.EndsWith('\n') ? source[..^1] : source);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        while (_at < _source.Length)
        {
            var open = FindOpen();
            var text = _source[_at..open];
            var lineAfter = _line + text.Count('\n');
            if (open == _source.Length)
            {
                AddText(text);
                break;
            }
            var kind = _source[open + 1];
            var sign = open + 2 < _source.Length ? _source[open + 2] : '\0';
            AddText(StripBefore(text, kind, sign));
            _line = lineAfter;
            _at = open + 2 + (sign == '-' || (sign == '+' && kind != '{') ? 1 : 0);
            if (kind == '#')
                SkipComment();
            else if (kind == '%' && TrySkipRaw())
                continue;
            else
                ReadTag(kind);
        }
        _tokens.Add(new(TemplateTokenKind.End, "", _line));
    }

    private int FindOpen()
    {
        for (var at = _at; (at = _source.IndexOf('{', at)) >= 0 && at + 1 < _source.Length; at++)
            if (_source[at + 1] is '{' or '%' or '#')
                return at;
        return _source.Length;
    }

    private string StripBefore(string text, char kind, char sign)
    {
        if (sign == '-')
            return text.TrimEnd();
        if (kind == '{' || sign == '+')
            return text;
        var lineStart = text.LastIndexOf('\n') + 1;
        return (lineStart > 0 || _atLineStart) && string.IsNullOrWhiteSpace(text[lineStart..]) ? text[..lineStart] : text;
    }

    private void AddText(string text)
    {
        var line = _line;
        if (_stripNext)
            text = text.TrimStart();
        _stripNext = false;
        if (text.Length > 0)
            _tokens.Add(new(TemplateTokenKind.Text, text, line));
    }

    private void SkipComment()
    {
        var end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
            throw Error("a comment has no end '#}'");
        _line += _source.AsSpan(_at, end - _at).Count('\n');
        AfterTag(end > _at ? _source[end - 1] : '\0', end + 2, trimsLineEnd: true);
    }

    /// <summary>What stands between <c>{% raw %}</c> and <c>{% endraw %}</c> is text.</summary>
    private bool TrySkipRaw()
    {
        var close = _source.IndexOf("%}", _at, StringComparison.Ordinal);
        if (close < 0 || _source.AsSpan(_at, close - _at).Trim(" \n\t-+") is not "raw")
            return false;
        AfterTag(_source[close - 1], close + 2, trimsLineEnd: true);
        for (var at = _at; (at = _source.IndexOf("{%", at, StringComparison.Ordinal)) >= 0; at += 2)
        {
            close = _source.IndexOf("%}", at, StringComparison.Ordinal);
            if (close < 0)
                break;
            if (_source.AsSpan(at + 2, close - at - 2).Trim(" \n\t-+") is not "endraw")
                continue;
            var text = _source[_at..at];
            AddText(StripBefore(text, '%', _source[at + 2]));
            _line += text.Count('\n');
            AfterTag(_source[close - 1], close + 2, trimsLineEnd: true);
            return true;
        }
        throw Error("{% raw %} has no {% endraw %}");
    }

    private void AfterTag(char sign, int end, bool trimsLineEnd)
    {
        _at = end;
        _stripNext = sign == '-';
        _atLineStart = false;
        if (trimsLineEnd && sign is not ('-' or '+') && _at < _source.Length && _source[_at] == '\n')
        {
            _at++;
            _line++;
            _atLineStart = true;
        }
    }

    private void ReadTag(char kind)
    {
        var isBlock = kind == '%';
        _tokens.Add(new(isBlock ? TemplateTokenKind.BlockBegin : TemplateTokenKind.ExpressionBegin, isBlock ? "{%" : "{{", _line));
        var close = isBlock ? "%}" : "}}";
        var depth = 0;
        while (true)
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
                _line += _source[_at++] == '\n' ? 1 : 0;
            if (_at >= _source.Length)
                throw Error($"a tag has no end '{close}'");
            var rest = _source.AsSpan(_at);
            var sign = rest[0] is '-' or '+' && rest[1..].StartsWith(close) ? rest[0] : '\0';
            if (depth == 0 && (sign != '\0' || rest.StartsWith(close)))
            {
                _tokens.Add(new(isBlock ? TemplateTokenKind.BlockEnd : TemplateTokenKind.ExpressionEnd, close, _line));
                AfterTag(sign, _at + (sign == '\0' ? 2 : 3), trimsLineEnd: isBlock);
                return;
            }
            var token = ReadToken();
            depth += token.Kind != TemplateTokenKind.Operator ? 0
                : token.Text is "(" or "[" or "{" ? 1
                : token.Text is ")" or "]" or "}" ? -1 : 0;
            _tokens.Add(token);
        }
    }

    private TemplateToken ReadToken()
    {
        var c = _source[_at];
        if (c is '\'' or '"')
            return ReadString(c);
        var start = _at;
        if (char.IsAsciiDigit(c))
            return ReadNumber();
        if (c == '_' || char.IsLetter(c))
        {
            while (_at < _source.Length && (_source[_at] == '_' || char.IsLetterOrDigit(_source[_at])))
                _at++;
            return new(TemplateTokenKind.Name, _source[start.._at], _line);
        }
        foreach (var name in Operators)
            if (_source.AsSpan(_at).StartsWith(name))
            {
                _at += name.Length;
                return new(TemplateTokenKind.Operator, name, _line);
            }
        throw Error($"the character '{c}' has no meaning here");
    }

    private TemplateToken ReadNumber()
    {
        var start = _at;
        var isFloat = false;
        while (_at < _source.Length && (char.IsAsciiDigit(_source[_at]) || _source[_at] == '_'))
            _at++;
        if (_at + 1 < _source.Length && _source[_at] == '.' && char.IsAsciiDigit(_source[_at + 1]))
        {
            isFloat = true;
            for (_at++; _at < _source.Length && char.IsAsciiDigit(_source[_at]);)
                _at++;
        }
        if (_at + 1 < _source.Length && _source[_at] is 'e' or 'E'
            && (char.IsAsciiDigit(_source[_at + 1]) || (_source[_at + 1] is '-' or '+' && _at + 2 < _source.Length && char.IsAsciiDigit(_source[_at + 2]))))
        {
            isFloat = true;
            for (_at += 2; _at < _source.Length && char.IsAsciiDigit(_source[_at]);)
                _at++;
        }
        return new(isFloat ? TemplateTokenKind.Float : TemplateTokenKind.Integer, _source[start.._at].Replace("_", ""), _line);
    }

    private TemplateToken ReadString(char quote)
    {
        var line = _line;
        var text = new StringBuilder();
        for (_at++; _at < _source.Length && _source[_at] != quote; _at++)
        {
            if (_source[_at] == '\n')
                _line++;
            if (_source[_at] != '\\' || _at + 1 == _source.Length)
                text.Append(_source[_at]);
            else
                ReadEscape(text);
        }
        if (_at >= _source.Length)
            throw new TemplateException($"line {line}: a string has no end", line);
        _at++;
        return new(TemplateTokenKind.String, text.ToString(), line);
    }

    /// <summary>Python's escapes; an unknown one stays as it is.</summary>
    private void ReadEscape(StringBuilder text)
    {
        var c = _source[++_at];
        var simple = "nrtbfv0a".IndexOf(c);
        if (simple >= 0)
            text.Append("\n\r\t\b\f\v\0\a"[simple]);
        else if (c is '\\' or '\'' or '"')
            text.Append(c);
        else if (c == 'x' || c == 'u' || c == 'U')
            ReadCodePoint(text, c == 'x' ? 2 : c == 'u' ? 4 : 8);
        else if (c != '\n')
            text.Append('\\').Append(c);
    }

    private void ReadCodePoint(StringBuilder text, int digits)
    {
        if (_at + digits >= _source.Length
            || !int.TryParse(_source.AsSpan(_at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || value is < 0 or > 0x10FFFF)
            throw Error($"a \\{_source[_at]} escape needs {digits} hexadecimal digits");
        _at += digits;
        if (value < 0x10000)
            text.Append((char)value);
        else
            text.Append(char.ConvertFromUtf32(value));
    }

    private TemplateException Error(string what) => new($"line {_line}: {what}", _line);
}
