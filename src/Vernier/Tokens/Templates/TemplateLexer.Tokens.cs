using System.Globalization;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>The tokens inside a tag: names, numbers, texts, operators.</summary>
internal sealed partial class TemplateLexer
{
    private static readonly string[] Operators =
        ["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|", ";"];

    private TemplateToken ReadToken()
    {
        var c = _source[_at];
        if (c is '\'' or '"')
            return ReadString(c);
        if (char.IsAsciiDigit(c))
            return ReadNumber();
        var start = _at;
        if (c == '_' || char.IsLetter(_source, _at))
        {
            while (_at < _source.Length && IsNamePart(_at))
                _at += char.IsSurrogatePair(_source, _at) ? 2 : 1;
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

    private bool IsNamePart(int at) => _source[at] == '_' || char.IsLetterOrDigit(_source, at)
        || CharUnicodeInfo.GetUnicodeCategory(_source, at) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;

    /// <summary>A whole number in base 2, 8, 10 or 16, or a float; digits may have one _ between them.</summary>
    private TemplateToken ReadNumber()
    {
        var start = _at;
        var numberBase = char.ToLowerInvariant(_at + 1 < _source.Length ? _source[_at + 1] : ' ') switch { 'x' when _source[_at] == '0' => 16, 'o' when _source[_at] == '0' => 8, 'b' when _source[_at] == '0' => 2, _ => 10 };
        if (numberBase != 10 && DigitsEnd(_at + 2, numberBase, leading: true) is var end && end > _at + 2)
        {
            _at = end;
            return new(TemplateTokenKind.Integer, _source[start..end], _line);
        }
        end = DigitsEnd(_at, 10);
        var isFloat = false;
        // After a point a number is a place, as in x.0.1.
        if (start == 0 || _source[start - 1] != '.')
        {
            if (DigitsEnd(end + 1, 10) is var fraction && end < _source.Length && _source[end] == '.' && fraction > end + 1)
                (end, isFloat) = (fraction, true);
            var exponent = end + 1 + (end + 1 < _source.Length && _source[end + 1] is '+' or '-' ? 1 : 0);
            if (end < _source.Length && _source[end] is 'e' or 'E' && DigitsEnd(exponent, 10) is var last && last > exponent)
                (end, isFloat) = (last, true);
        }
        // A whole number begins with 0 only if it is nothing else.
        if (!isFloat && _source[start] == '0')
            for (end = start + 1; end < _source.Length && (_source[end] == '0' || (_source[end] == '_' && end + 1 < _source.Length && _source[end + 1] == '0'));)
                end++;
        _at = end;
        return new(isFloat ? TemplateTokenKind.Float : TemplateTokenKind.Integer, _source[start..end].Replace("_", ""), _line);
    }

    private int DigitsEnd(int at, int numberBase, bool leading = false)
    {
        bool IsDigit(int i) => i < _source.Length && (numberBase == 16 ? char.IsAsciiHexDigit(_source[i]) : _source[i] >= '0' && _source[i] < '0' + numberBase);
        var start = at;
        while (IsDigit(at) || (at < _source.Length && _source[at] == '_' && (at > start || leading) && IsDigit(at + 1)))
            at++;
        return at;
    }

    public static object Number(TemplateToken token)
    {
        if (token.Kind == TemplateTokenKind.Float)
            return double.Parse(token.Text, CultureInfo.InvariantCulture);
        return TemplateNumbers.Parse(token.Text, 0)
            ?? throw new TemplateException($"line {token.Line}: {(token.Text.Length > 40 ? token.Text[..40] + "..." : token.Text)} is not a number that can be read", token.Line);
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
        var simple = "nrtbfva".IndexOf(c);
        if (simple >= 0)
            text.Append("\n\r\t\b\f\v\a"[simple]);
        else if (c is '\\' or '\'' or '"')
            text.Append(c);
        else if (c is >= '0' and <= '7')
            ReadOctal(text);
        else if (c == 'x' || c == 'u' || c == 'U')
            ReadCodePoint(text, c == 'x' ? 2 : c == 'u' ? 4 : 8);
        else if (c == 'N')
            throw Error("the escape \\N{...} of a character's name is not done here");
        else if (c == '\n')
            _line++;
        else if (c < 128)
            text.Append('\\').Append(c);
        else
            ReadNonAscii(text);
    }

    /// <summary>Jinja writes a character beyond ASCII as an escape first, so that the backslash before it escapes that one.</summary>
    private void ReadNonAscii(StringBuilder text)
    {
        var isPair = char.IsSurrogatePair(_source, _at);
        text.Append(TemplateRepresentation.Escape(isPair ? char.ConvertToUtf32(_source, _at) : _source[_at]));
        _at += isPair ? 1 : 0;
    }

    private void ReadOctal(StringBuilder text)
    {
        var value = 0;
        var end = Math.Min(_at + 3, _source.Length);
        for (; _at < end && _source[_at] is >= '0' and <= '7'; _at++)
            value = value * 8 + _source[_at] - '0';
        _at--;
        text.Append((char)value);
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
}
