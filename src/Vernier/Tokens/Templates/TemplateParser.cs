namespace Vernier.Tokens.Templates;

/// <summary>Makes the syntax tree of a Jinja template: statements here, expressions in the other part.</summary>
internal sealed partial class TemplateParser
{
    /// <summary>How deep tags and brackets may nest.</summary>
    private const int MostDepth = 200;

    private readonly List<TemplateToken> _tokens;

    /// <summary>The names that the bodies of the macros around use, one set a macro.</summary>
    private readonly Stack<HashSet<string>> _namesUsed = new();

    private readonly HashSet<string> _blocks = [];

    private int _at;
    private int _depth;

    /// <summary>How many loops are around, within the macro.</summary>
    private int _loops;

    private TemplateParser(List<TemplateToken> tokens) => _tokens = tokens;

    private TemplateToken Current => _tokens[_at];

    private TemplateToken Following => _tokens[Math.Min(_at + 1, _tokens.Count - 1)];

    public static TemplateStatement Parse(string source)
    {
        var parser = new TemplateParser(TemplateLexer.Read(source));
        var body = parser.Body();
        return parser.Current.Kind == TemplateTokenKind.End ? body : throw parser.Unexpected("no more tags");
    }

    /// <summary>Statements up to the end or to one of the tags named.</summary>
    private BodyStatement Body(params ReadOnlySpan<string> ends)
    {
        Descend();
        var line = Current.Line;
        var statements = new List<TemplateStatement>();
        while (Current.Kind != TemplateTokenKind.End)
        {
            if (Current.Kind == TemplateTokenKind.BlockBegin)
            {
                var name = Following;
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
        return new BodyStatement(statements, line);
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
            case "print": return Print(tag.Line);
            case "block": return Block(tag.Line);
            case "filter":
                var filter = Filter(null);
                while (Accept("|"))
                    filter = Filter(filter);
                return new CaptureStatement(null, filter, BodyUntil("endfilter"), tag.Line);
            case "generation": return new ScopeStatement(BodyUntil("endgeneration"), null, fromRoot: false, tag.Line);
            case "autoescape":
                var escapes = Expression();
                return new ScopeStatement(BodyUntil("endautoescape"), escapes, fromRoot: false, tag.Line);
            case "include" or "import" or "from" or "extends": return Refused(tag);
            case "break" or "continue":
                EndTag();
                if (_loops == 0)
                    throw new TemplateException($"line {tag.Line}: '{tag.Text}' outside a loop", tag.Line);
                return new FlowStatement(tag.Text == "break" ? TemplateFlow.Break : TemplateFlow.Continue, tag.Line);
            default:
                throw new TemplateException($"line {tag.Line}: the tag '{tag.Text}' is not known", tag.Line);
        }
    }

    /// <summary>A tag that would load another template fails when it is reached.</summary>
    private RefusedStatement Refused(TemplateToken tag)
    {
        Expression();
        while (Current.Kind is not (TemplateTokenKind.BlockEnd or TemplateTokenKind.End))
            Next();
        EndTag();
        return new RefusedStatement(tag.Text, tag.Line);
    }

    private BodyStatement BodyUntil(string end)
    {
        EndOpeningTag();
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
            var condition = ending == "else" ? null : TupleOrExpression(allowsCondition: false);
            EndOpeningTag();
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
        if (Names(target).Contains("loop"))
            throw Unexpected("a name other than loop, which a loop sets itself");
        ExpectName("in");
        var source = TupleOrExpression(allowsCondition: false);
        var filter = AcceptName("if") ? Expression() : null;
        var isRecursive = AcceptName("recursive");
        EndOpeningTag();
        _loops++;
        var body = Body("else", "endfor");
        _loops--;
        _at++;
        TemplateStatement? otherwise = null;
        if (Next().Text == "else")
            otherwise = BodyUntil("endfor");
        else
            EndTag();
        return new ForStatement(new LoopParts(target, filter, body, otherwise, isRecursive, null), source, line);
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
        FilterExpression? filter = null;
        while (Accept("|"))
            filter = Filter(filter);
        return new CaptureStatement(target, filter, BodyUntil("endset"), line);
    }

    private WithStatement With(int line)
    {
        var settings = new List<(TemplateExpression, TemplateExpression)>();
        while (Current.Kind != TemplateTokenKind.BlockEnd)
        {
            if (settings.Count > 0)
                Expect(",");
            var target = Target(allowsMember: false);
            Expect("=");
            settings.Add((target, Expression()));
        }
        return new WithStatement(settings, BodyUntil("endwith"), line);
    }

    private BodyStatement Print(int line)
    {
        var values = new List<TemplateStatement>();
        while (Current.Kind != TemplateTokenKind.BlockEnd)
        {
            if (values.Count > 0)
                Expect(",");
            values.Add(new WriteStatement(Expression(), line));
        }
        EndTag();
        return new BodyStatement(values, line);
    }

    private ScopeStatement Block(int line)
    {
        var name = Expect(TemplateTokenKind.Name, "the block's name").Text;
        if (!_blocks.Add(name))
            throw new TemplateException($"line {line}: block '{name}' defined twice", line);
        var isScoped = AcceptName("scoped");
        AcceptName("required");
        EndOpeningTag();
        var loops = _loops;
        _loops = 0;
        var body = Body("endblock");
        _loops = loops;
        _at += 2;
        AcceptName(name);
        EndTag();
        return new ScopeStatement(body, null, fromRoot: !isScoped, line);
    }

    private MacroStatement Macro(int line)
    {
        var name = Name("the macro's name");
        Expect("(");
        return MacroBody(name, Parameters(), "endmacro", line);
    }

    private MacroStatement MacroBody(string? name, List<(string, TemplateExpression?)> parameters, string end, int line)
    {
        var loops = _loops;
        _loops = 0;
        _namesUsed.Push([]);
        var body = BodyUntil(end);
        var used = _namesUsed.Pop();
        _loops = loops;
        if (_namesUsed.TryPeek(out var around))
            around.UnionWith(used);
        return new MacroStatement(
            name, new MacroParameters(parameters, used.Contains("varargs"), used.Contains("kwargs"), used.Contains("caller")), body, line);
    }

    private CallStatement Call(int line)
    {
        var parameters = Accept("(") ? Parameters() : [];
        if (Expression() is not CallExpression call)
            throw new TemplateException($"line {line}: {{% call %}} needs a call", line);
        return new CallStatement(call, MacroBody(null, parameters, "endcall", line), line);
    }

    private List<(string, TemplateExpression?)> Parameters()
    {
        var parameters = new List<(string Name, TemplateExpression? Default)>();
        while (!Accept(")"))
        {
            if (parameters.Count > 0)
                Expect(",");
            var name = Name("a parameter's name");
            var standard = Accept("=") ? Expression() : null;
            if (name == "caller" && standard is null)
                throw Unexpected("a default for the special parameter caller");
            if (standard is null && parameters.Count > 0 && parameters[^1].Default is not null)
                throw Unexpected("a parameter with a default after one that has it");
            if (parameters.Exists(parameter => parameter.Name == name))
                throw Unexpected($"a name other than {name}, which is a parameter already");
            parameters.Add((name, standard));
        }
        return parameters;
    }

    /// <summary>A name, a member of a namespace, or several with commas between.</summary>
    private TemplateExpression Target(bool allowsMember)
    {
        var line = Current.Line;
        var first = TargetItem(allowsMember);
        if (!Current.Is(","))
            return first;
        var items = new List<TemplateExpression> { first };
        while (Accept(",") && !IsTupleEnd())
            items.Add(TargetItem(allowsMember));
        return new ListExpression(items, isTuple: true, line);
    }

    private TemplateExpression TargetItem(bool allowsMember)
    {
        var line = Current.Line;
        if (Accept("("))
        {
            Descend();
            var inner = Accept(")") ? new ListExpression([], isTuple: true, line) : Target(allowsMember: false);
            if (inner is not ListExpression { Items.Count: 0 })
                Expect(")");
            _depth--;
            return inner;
        }
        var name = Name("a name");
        if (allowsMember && Accept("."))
            return new NamespaceReference(name, Expect(TemplateTokenKind.Name, "a member's name").Text, line);
        return new NameExpression(name, line);
    }

    private static IEnumerable<string> Names(TemplateExpression target) =>
        target is ListExpression several ? several.Items.SelectMany(Names) : target is NameExpression name ? [name.Name] : [];

    private string Name(string what)
    {
        if (Current.Text is "true" or "false" or "none" or "True" or "False" or "None")
            throw Unexpected(what);
        return Expect(TemplateTokenKind.Name, what).Text;
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

    /// <summary>The end of a tag before a body; a colon may stand before it, as in Python.</summary>
    private void EndOpeningTag()
    {
        Accept(":");
        EndTag();
    }

    private TemplateException Unexpected(string expected) => new($"line {Current.Line}: found {Current}, expected {expected}", Current.Line);
}
