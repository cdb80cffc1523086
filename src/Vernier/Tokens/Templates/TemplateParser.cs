using System.Globalization;

namespace Vernier.Tokens.Templates;

/// <summary>Makes the syntax tree of a Jinja template: statements here, expressions in the other part.</summary>
internal sealed partial class TemplateParser
{
    /// <summary>How deep tags and brackets may nest.</summary>
    private const int MostDepth = 200;

    private readonly List<TemplateToken> _tokens;
    private int _at;
    private int _depth;

    private TemplateParser(List<TemplateToken> tokens) => _tokens = tokens;

    private TemplateToken Current => _tokens[_at];

    public static TemplateStatement Parse(string source)
    {
        var parser = new TemplateParser(TemplateLexer.Read(source));
        var body = parser.Body();
        return parser.Current.Kind == TemplateTokenKind.End ? body : throw parser.Unexpected("no more tags");
    }

    /// <summary>Statements up to the end or to one of the tags named.</summary>
    private BlockStatement Body(params ReadOnlySpan<string> ends)
    {
        Descend();
        var line = Current.Line;
        var statements = new List<TemplateStatement>();
        while (Current.Kind != TemplateTokenKind.End)
        {
            if (Current.Kind == TemplateTokenKind.BlockBegin)
            {
                var name = _tokens[_at + 1];
                if (name.Kind == TemplateTokenKind.Name && ends.Contains(name.Text))
                    break;
                _at++;
                statements.Add(Statement());
            }
            else if (Current.Kind == TemplateTokenKind.ExpressionBegin)
            {
                var at = Next().Line;
                statements.Add(new WriteStatement(TupleOrExpression(), at));
                Expect(TemplateTokenKind.ExpressionEnd, "'}}'");
            }
            else
            {
                statements.Add(new TextStatement(Current.Text, Next().Line));
            }
        }
        if (Current.Kind == TemplateTokenKind.End && ends.Length > 0)
            throw Unexpected($"{{% {string.Join(" %} or {% ", ends.ToArray())} %}}");
        _depth--;
        return new BlockStatement(statements, line);
    }

    private TemplateStatement Statement()
    {
        var tag = Expect(TemplateTokenKind.Name, "the name of a tag");
        switch (tag.Text)
        {
            case "if": return If(tag.Line);
            case "for": return For(tag.Line);
            case "set": return Set(tag.Line);
            case "macro": return Macro(tag.Line);
            case "call": return Call(tag.Line);
            case "with": return With(tag.Line);
            case "filter":
                var filters = new List<FilterExpression> { Filter(null) };
                while (Accept("|"))
                    filters.Add(Filter(null));
                return new CaptureStatement(null, filters, BodyUntil("endfilter"), tag.Line);
            case "generation":
                return BodyUntil("endgeneration");
            case "break" or "continue":
                EndTag();
                return new FlowStatement(tag.Text == "break" ? TemplateFlow.Break : TemplateFlow.Continue, tag.Line);
            default:
                throw new TemplateException($"line {tag.Line}: the tag '{tag.Text}' is not known", tag.Line);
        }
    }

    private BlockStatement BodyUntil(string end)
    {
        EndTag();
        var body = Body(end);
        _at += 2;
        EndTag();
        return body;
    }

    private IfStatement If(int line)
    {
        var branches = new List<(TemplateExpression, TemplateStatement)>();
        TemplateStatement? otherwise = null;
        for (var ending = "if"; ending != "endif";)
        {
            var condition = ending == "else" ? null : TupleOrExpression();
            EndTag();
            var body = ending == "else" ? Body("endif") : Body("elif", "else", "endif");
            if (condition is null)
                otherwise = body;
            else
                branches.Add((condition, body));
            _at++;
            ending = Next().Text;
        }
        EndTag();
        return new IfStatement(branches, otherwise, line);
    }

    private ForStatement For(int line)
    {
        var target = Target(allowsMember: false);
        ExpectName("in");
        var source = TupleOrExpression(allowsCondition: false);
        var filter = AcceptName("if") ? Expression() : null;
        if (Current.IsName("recursive"))
            throw new TemplateException($"line {line}: recursive loops are not done here", line);
        EndTag();
        var body = Body("else", "endfor");
        _at++;
        var otherwise = Next().Text == "else" ? BodyUntil("endfor") : null;
        if (otherwise is null)
            EndTag();
        return new ForStatement(target, source, filter, body, otherwise, line);
    }

    private TemplateStatement Set(int line)
    {
        var target = Target(allowsMember: true);
        if (Accept("="))
        {
            var value = TupleOrExpression();
            EndTag();
            return new SetStatement(target, value, line);
        }
        var filters = new List<FilterExpression>();
        while (Accept("|"))
            filters.Add(Filter(null));
        return new CaptureStatement(target, filters, BodyUntil("endset"), line);
    }

    private WithStatement With(int line)
    {
        var settings = new List<(TemplateTarget, TemplateExpression)>();
        while (Current.Kind != TemplateTokenKind.BlockEnd)
        {
            if (settings.Count > 0)
                Expect(",");
            var target = Target(allowsMember: false, single: true);
            Expect("=");
            settings.Add((target, Expression()));
        }
        return new WithStatement(settings, BodyUntil("endwith"), line);
    }

    private MacroStatement Macro(int line)
    {
        var name = Expect(TemplateTokenKind.Name, "the macro's name").Text;
        return new MacroStatement(name, Parameters(), BodyUntil("endmacro"), line);
    }

    private CallStatement Call(int line)
    {
        var parameters = Current.Is("(") ? Parameters() : [];
        var callee = Primary();
        while (Accept("."))
            callee = new MemberExpression(callee, new LiteralExpression(Expect(TemplateTokenKind.Name, "a member's name").Text, line), true, line);
        Expect("(");
        var (placed, named) = Arguments();
        return new CallStatement(callee, placed, named, new MacroStatement("caller", parameters, BodyUntil("endcall"), line), line);
    }

    private List<(string, TemplateExpression?)> Parameters()
    {
        var parameters = new List<(string, TemplateExpression?)>();
        Expect("(");
        while (!Accept(")"))
        {
            if (parameters.Count > 0)
                Expect(",");
            var name = Expect(TemplateTokenKind.Name, "a parameter's name").Text;
            parameters.Add((name, Accept("=") ? Expression() : null));
        }
        return parameters;
    }

    private TemplateTarget Target(bool allowsMember, bool single = false)
    {
        var brackets = Accept("(");
        var names = new List<string> { Expect(TemplateTokenKind.Name, "a name").Text };
        if (allowsMember && Accept("."))
            return new TemplateTarget(names, Expect(TemplateTokenKind.Name, "a member's name").Text);
        while (!single && Accept(","))
            names.Add(Expect(TemplateTokenKind.Name, "a name").Text);
        if (brackets)
            Expect(")");
        return new TemplateTarget(names);
    }

    private void Descend()
    {
        if (++_depth > MostDepth)
            throw new TemplateException($"line {Current.Line}: the template nests deeper than {MostDepth}", Current.Line);
    }

    private TemplateToken Next() => _tokens[_at < _tokens.Count - 1 ? _at++ : _at];

    private bool Accept(string @operator)
    {
        if (!Current.Is(@operator))
            return false;
        _at++;
        return true;
    }

    private bool AcceptName(string name)
    {
        if (!Current.IsName(name))
            return false;
        _at++;
        return true;
    }

    private void Expect(string @operator)
    {
        if (!Accept(@operator))
            throw Unexpected($"'{@operator}'");
    }

    private void ExpectName(string name)
    {
        if (!AcceptName(name))
            throw Unexpected($"'{name}'");
    }

    private TemplateToken Expect(TemplateTokenKind kind, string what) => Current.Kind == kind ? Next() : throw Unexpected(what);

    private void EndTag() => Expect(TemplateTokenKind.BlockEnd, "'%}'");

    private TemplateException Unexpected(string expected) => new($"line {Current.Line}: found {Current}, expected {expected}", Current.Line);

    private static object Number(TemplateToken token) => token.Kind == TemplateTokenKind.Float
        ? (object)double.Parse(token.Text, CultureInfo.InvariantCulture)
        : long.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new TemplateException($"line {token.Line}: the number {token.Text} is too large", token.Line);
}
