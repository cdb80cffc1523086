using System.Text;

namespace Vernier.Tokens.Templates;

internal sealed partial class TemplateParser
{
    /// <summary>One expression, or several with commas between, which make a tuple.</summary>
    private TemplateExpression TupleOrExpression(bool allowsCondition = true)
    {
        var line = Current.Line;
        var first = allowsCondition ? Expression() : Or();
        if (!Current.Is(","))
            return first;
        var items = new List<TemplateExpression> { first };
        while (Accept(",") && !IsTupleEnd())
            items.Add(allowsCondition ? Expression() : Or());
        return new ListExpression(items, isTuple: true, line);
    }

    private bool IsTupleEnd() => Current.Kind is TemplateTokenKind.BlockEnd or TemplateTokenKind.ExpressionEnd || Current.Is(")");

    private TemplateExpression Expression()
    {
        Descend();
        var value = Or();
        while (Current.IsName("if"))
        {
            var line = Next().Line;
            var condition = Or();
            value = new ConditionExpression(condition, value, AcceptName("else") ? Expression() : null, line);
        }
        _depth--;
        return value;
    }

    private TemplateExpression Or()
    {
        var left = And();
        while (Current.IsName("or"))
        {
            var line = Next().Line;
            left = new LogicExpression(isAnd: false, left, And(), line);
        }
        return left;
    }

    private TemplateExpression And()
    {
        var left = Not();
        while (Current.IsName("and"))
        {
            var line = Next().Line;
            left = new LogicExpression(isAnd: true, left, Not(), line);
        }
        return left;
    }

    private TemplateExpression Not()
    {
        if (!Current.IsName("not"))
            return Compare();
        Descend();
        var line = Next().Line;
        var operand = Not();
        _depth--;
        return new NotExpression(operand, line);
    }

    private TemplateExpression Compare()
    {
        var line = Current.Line;
        var first = Sum();
        var rest = new List<(string, TemplateExpression)>();
        while (true)
        {
            if (Current.Kind == TemplateTokenKind.Operator && Current.Text is "==" or "!=" or "<" or "<=" or ">" or ">=")
                rest.Add((Next().Text, Sum()));
            else if (AcceptName("in"))
                rest.Add(("in", Sum()));
            else if (Current.IsName("not") && _tokens[_at + 1].IsName("in"))
            {
                _at += 2;
                rest.Add(("not in", Sum()));
            }
            else
                return rest.Count == 0 ? first : new CompareExpression(first, rest, line);
        }
    }

    private TemplateExpression Sum()
    {
        var left = Concatenation();
        while (Current.Kind == TemplateTokenKind.Operator && Current.Text is "+" or "-")
        {
            var name = Next();
            left = new ArithmeticExpression(name.Text, left, Concatenation(), name.Line);
        }
        return left;
    }

    private TemplateExpression Concatenation()
    {
        var line = Current.Line;
        var first = Product();
        if (!Current.Is("~"))
            return first;
        var parts = new List<TemplateExpression> { first };
        while (Accept("~"))
            parts.Add(Product());
        return new ConcatenationExpression(parts, line);
    }

    private TemplateExpression Product()
    {
        var left = Power();
        while (Current.Kind == TemplateTokenKind.Operator && Current.Text is "*" or "/" or "//" or "%")
        {
            var name = Next();
            left = new ArithmeticExpression(name.Text, left, Power(), name.Line);
        }
        return left;
    }

    private TemplateExpression Power()
    {
        var left = Unary();
        while (Current.Is("**"))
        {
            var line = Next().Line;
            left = new ArithmeticExpression("**", left, Unary(), line);
        }
        return left;
    }

    private TemplateExpression Unary(bool takesFilters = true)
    {
        Descend();
        TemplateExpression value;
        if (Current.Is("-") || Current.Is("+"))
        {
            var sign = Next();
            value = new SignExpression(Unary(takesFilters: false), sign.Text == "-", sign.Line);
        }
        else
        {
            value = Primary();
        }
        value = Postfix(value);
        if (takesFilters)
            value = Filters(value);
        _depth--;
        return value;
    }

    private TemplateExpression Postfix(TemplateExpression value)
    {
        while (true)
        {
            var line = Current.Line;
            if (Accept("."))
            {
                var name = Current.Kind == TemplateTokenKind.Integer ? TemplateLexer.Number(Next()) : Expect(TemplateTokenKind.Name, "a member's name").Text;
                value = new MemberExpression(value, new LiteralExpression(name, line), isAttribute: name is string, line);
            }
            else if (Accept("["))
                value = Subscript(value, line);
            else if (Accept("("))
                value = new CallExpression(value, Arguments(), line);
            else
                return value;
        }
    }

    private TemplateExpression Subscript(TemplateExpression owner, int line)
    {
        if (Accept("]"))
            return new MemberExpression(owner, new ListExpression([], isTuple: true, line), isAttribute: false, line);
        var parts = new TemplateExpression?[3];
        var part = 0;
        while (!Current.Is("]") && !Current.Is(","))
            if (Accept(":"))
                part = part < 2 ? part + 1 : throw Unexpected("']'");
            else if (parts[part] is null)
                parts[part] = Expression();
            else
                throw Unexpected("']'");
        if (part > 0)
        {
            Expect("]");
            return new SliceExpression(owner, parts[0], parts[1], parts[2], line);
        }
        var key = parts[0] ?? throw Unexpected("a subscript");
        if (Current.Is(","))
        {
            Next();
            key = new ListExpression([key, .. Sequence("]")], isTuple: true, line);
        }
        else
        {
            Expect("]");
        }
        return new MemberExpression(owner, key, isAttribute: false, line);
    }

    private TemplateExpression Filters(TemplateExpression value)
    {
        while (true)
        {
            var line = Current.Line;
            if (Accept("|"))
                value = Filter(value);
            else if (AcceptName("is"))
                value = Test(value, line);
            else if (Accept("("))
                value = new CallExpression(value, Arguments(), line);
            else
                return value;
        }
    }

    private FilterExpression Filter(TemplateExpression? operand)
    {
        var line = Current.Line;
        var name = DottedName("a filter's name");
        return new FilterExpression(operand, name, Accept("(") ? Arguments() : CallArguments.None, line);
    }

    private string DottedName(string what)
    {
        var name = Expect(TemplateTokenKind.Name, what).Text;
        while (Accept("."))
            name += "." + Expect(TemplateTokenKind.Name, what).Text;
        return name;
    }

    private TestExpression Test(TemplateExpression operand, int line)
    {
        var isNegated = AcceptName("not");
        var name = DottedName("a test's name");
        var arguments = CallArguments.None;
        if (Accept("("))
            arguments = Arguments();
        else if (Current.IsName("is"))
            throw Unexpected("no further test");
        else if (Current.Kind is TemplateTokenKind.String or TemplateTokenKind.Integer or TemplateTokenKind.Float
            || Current.Is("[") || Current.Is("{")
            || (Current.Kind == TemplateTokenKind.Name && Current.Text is not ("else" or "or" or "and")))
            arguments = CallArguments.None with { Placed = [Postfix(Primary())] };
        return new TestExpression(operand, name, arguments, isNegated, line);
    }

    private CallArguments Arguments()
    {
        var placed = new List<TemplateExpression>();
        var named = new List<(string, TemplateExpression)>();
        TemplateExpression? rest = null, namedRest = null;
        for (var isFirst = true; !Accept(")"); isFirst = false)
        {
            if (!isFirst)
            {
                Expect(",");
                if (Accept(")"))
                    break;
            }
            if (Current.Is("*") && rest is null && namedRest is null)
                rest = AfterStar();
            else if (Current.Is("**") && namedRest is null)
                namedRest = AfterStar();
            else if (Current.Kind == TemplateTokenKind.Name && Following.Is("=") && namedRest is null)
            {
                var name = Next().Text;
                _at++;
                named.Add((name, Expression()));
            }
            else if (named.Count == 0 && rest is null && namedRest is null)
                placed.Add(Expression());
            else
                throw Unexpected("a named argument");
        }
        return new(placed, named, rest, namedRest);
    }

    private TemplateExpression AfterStar()
    {
        Next();
        return Expression();
    }

    private TemplateExpression Primary()
    {
        var token = Next();
        switch (token.Kind)
        {
            case TemplateTokenKind.Name:
                if (_namesUsed.TryPeek(out var names))
                    names.Add(token.Text);
                return token.Text switch
                {
                    "true" or "True" => new LiteralExpression(true, token.Line),
                    "false" or "False" => new LiteralExpression(false, token.Line),
                    "none" or "None" => new LiteralExpression(null, token.Line),
                    _ => new NameExpression(token.Text, token.Line),
                };
            case TemplateTokenKind.Integer or TemplateTokenKind.Float:
                return new LiteralExpression(TemplateLexer.Number(token), token.Line);
            case TemplateTokenKind.String:
                var text = new StringBuilder(token.Text);
                while (Current.Kind == TemplateTokenKind.String)
                    text.Append(Next().Text);
                return new LiteralExpression(text.ToString(), token.Line);
        }
        if (token.Is("("))
            return Brackets(token.Line);
        if (token.Is("["))
            return new ListExpression(Sequence("]"), isTuple: false, token.Line);
        if (token.Is("{"))
            return Dictionary(token.Line);
        throw new TemplateException($"line {token.Line}: found {token}, expected an expression", token.Line);
    }

    private TemplateExpression Brackets(int line)
    {
        if (Accept(")"))
            return new ListExpression([], isTuple: true, line);
        var first = Expression();
        if (Accept(")"))
            return first;
        Expect(",");
        return new ListExpression([first, .. Sequence(")")], isTuple: true, line);
    }

    private List<TemplateExpression> Sequence(string end)
    {
        var items = new List<TemplateExpression>();
        while (!Accept(end))
        {
            items.Add(Expression());
            if (!Current.Is(end))
                Expect(",");
        }
        return items;
    }

    private DictionaryExpression Dictionary(int line)
    {
        var entries = new List<(TemplateExpression, TemplateExpression)>();
        while (!Accept("}"))
        {
            var key = Expression();
            Expect(":");
            entries.Add((key, Expression()));
            if (!Current.Is("}"))
                Expect(",");
        }
        return new DictionaryExpression(entries, line);
    }
}
