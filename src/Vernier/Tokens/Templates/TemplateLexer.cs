namespace Vernier.Tokens.Templates;

/// <summary>
/// Cuts a Jinja template into tokens, with trim_blocks (the line end after a block tag goes) and lstrip_blocks (blanks
/// before a block tag that begins its line go), and with <c>-</c> and <c>+</c> at a tag's edge.
/// </summary>
internal sealed partial class TemplateLexer
{
    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _line = 1;
    private bool _atLineStart = true;

    private TemplateLexer(string source) => _source = source;

    public static List<TemplateToken> Read(string source)
    {
        source = source.Replace("\r\n", "\n").Replace('\r', '\n');
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
            if (open == _source.Length)
            {
                AddText(text);
                break;
            }
            var kind = _source[open + 1];
            var sign = open + 2 < _source.Length && _source[open + 2] is '-' or '+' ? _source[open + 2] : '\0';
            AddText(StripBefore(text, kind, sign));
            _line += text.AsSpan().Count('\n');
            _at = open + 2 + (sign == '\0' ? 0 : 1);
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
            return TemplateText.Strip(text, null, left: false, right: true);
        if (kind == '{' || sign == '+')
            return text;
        var lineStart = text.LastIndexOf('\n') + 1;
        return (lineStart > 0 || _atLineStart) && text[lineStart..].All(TemplateText.IsSpace) ? text[..lineStart] : text;
    }

    private void AddText(string text)
    {
        if (text.Length > 0)
            _tokens.Add(new(TemplateTokenKind.Text, text, _line));
    }

    private void SkipComment()
    {
        if (_at == _source.Length)
            return;
        var end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
            throw Error("a comment has no end '#}'");
        _line += _source.AsSpan(_at, end - _at).Count('\n');
        AfterTag(end > _at ? _source[end - 1] : '\0', end + 2, trimsLineEnd: true);
    }

    /// <summary>What stands between <c>{% raw %}</c> and <c>{% endraw %}</c> is text.</summary>
    private bool TrySkipRaw()
    {
        if (MatchWord(_at, "raw") is not { } open)
            return false;
        AfterTag(open.Sign, open.End, trimsLineEnd: false);
        for (var at = _at; (at = _source.IndexOf("{%", at, StringComparison.Ordinal)) >= 0; at += 2)
        {
            var sign = at + 2 < _source.Length && _source[at + 2] is '-' or '+' ? _source[at + 2] : '\0';
            if (MatchWord(at + (sign == '\0' ? 2 : 3), "endraw") is not { } close)
                continue;
            var text = _source[_at..at];
            AddText(StripBefore(text, '%', sign));
            _line += text.AsSpan().Count('\n');
            AfterTag(close.Sign, close.End, trimsLineEnd: true);
            return true;
        }
        return _at == _source.Length ? true : throw Error("{% raw %} has no {% endraw %}");
    }

    /// <summary>A word with white space around it and the end of a tag after it.</summary>
    private (char Sign, int End)? MatchWord(int at, string word)
    {
        while (at < _source.Length && TemplateText.IsSpace(_source[at]))
            at++;
        if (!_source.AsSpan(at).StartsWith(word))
            return null;
        at += word.Length;
        while (at < _source.Length && TemplateText.IsSpace(_source[at]))
            at++;
        var sign = at < _source.Length && (_source[at] == '-' || (_source[at] == '+' && word == "endraw")) ? _source[at++] : '\0';
        return _source.AsSpan(at).StartsWith("%}") ? (sign, at + 2) : null;
    }

    private void AfterTag(char sign, int end, bool trimsLineEnd)
    {
        _at = end;
        var start = end;
        if (sign == '-')
            while (_at < _source.Length && TemplateText.IsSpace(_source[_at]))
                _at++;
        else if (trimsLineEnd && sign != '+' && _at < _source.Length && _source[_at] == '\n')
            _at++;
        _line += _source.AsSpan(start, _at - start).Count('\n');
        _atLineStart = _at > start && _source[_at - 1] == '\n';
    }

    private void ReadTag(char kind)
    {
        var isBlock = kind == '%';
        _tokens.Add(new(isBlock ? TemplateTokenKind.BlockBegin : TemplateTokenKind.ExpressionBegin, isBlock ? "{%" : "{{", _line));
        var close = isBlock ? "%}" : "}}";
        var open = new Stack<char>();
        while (true)
        {
            while (_at < _source.Length && TemplateText.IsSpace(_source[_at]))
                _line += _source[_at++] == '\n' ? 1 : 0;
            if (_at >= _source.Length)
                throw Error($"a tag has no end '{close}'");
            var rest = _source.AsSpan(_at);
            var sign = (rest[0] == '-' || (rest[0] == '+' && isBlock)) && rest[1..].StartsWith(close) ? rest[0] : '\0';
            if (open.Count == 0 && (sign != '\0' || rest.StartsWith(close)))
            {
                _tokens.Add(new(isBlock ? TemplateTokenKind.BlockEnd : TemplateTokenKind.ExpressionEnd, close, _line));
                AfterTag(sign, _at + (sign == '\0' ? 2 : 3), trimsLineEnd: isBlock);
                return;
            }
            var token = ReadToken();
            if (token.Kind == TemplateTokenKind.Operator)
                Balance(open, token.Text);
            _tokens.Add(token);
        }
    }

    private void Balance(Stack<char> open, string text)
    {
        if (text is "(" or "[" or "{")
            open.Push(text switch { "(" => ')', "[" => ']', _ => '}' });
        else if (text is ")" or "]" or "}" && (!open.TryPop(out var expected) || expected != text[0]))
            throw Error($"unexpected '{text}'");
    }

    private TemplateException Error(string what) => new($"line {_line}: {what}", _line);
}
