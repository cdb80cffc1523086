namespace Vernier.Tokens.Templates;

/// <summary>A node of the syntax tree that has a value.</summary>
internal abstract class TemplateExpression(int line)
{
    public int Line { get; } = line;

    public object? Evaluate(TemplateRun run)
    {
        run.Line = Line;
        run.Charge();
        run.Enter();
        var value = Compute(run);
        run.Leave();
        run.Line = Line;
        return value;
    }

    protected abstract object? Compute(TemplateRun run);
}

internal sealed class LiteralExpression(object? value, int line) : TemplateExpression(line)
{
    public object? Value => value;

    protected override object? Compute(TemplateRun run) => value;
}

internal sealed class NameExpression(string name, int line) : TemplateExpression(line)
{
    public string Name => name;

    protected override object? Compute(TemplateRun run) => run.Scope.Find(run, name);
}

/// <summary>A member of a namespace that is set; it is never read.</summary>
internal sealed class NamespaceReference(string name, string member, int line) : TemplateExpression(line)
{
    public string Name => name;

    public string Member => member;

    protected override object? Compute(TemplateRun run) => throw run.Error("a member of a namespace is set here");
}

internal sealed class ListExpression(IReadOnlyList<TemplateExpression> items, bool isTuple, int line) : TemplateExpression(line)
{
    public IReadOnlyList<TemplateExpression> Items => items;

    public bool IsTuple => isTuple;

    protected override object? Compute(TemplateRun run) => isTuple
        ? new TemplateTuple([.. items.Select(item => item.Evaluate(run))])
        : items.Select(item => item.Evaluate(run)).ToList();
}

internal sealed class DictionaryExpression(IReadOnlyList<(TemplateExpression Key, TemplateExpression Value)> entries, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var pairs = new TemplateDictionary();
        foreach (var (key, value) in entries)
        {
            var name = key.Evaluate(run);
            pairs[TemplateKey.Of(run, name)] = value.Evaluate(run);
        }
        return pairs;
    }
}

internal sealed class NotExpression(TemplateExpression operand, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run) => !TemplateValues.IsTrue(operand.Evaluate(run));
}

internal sealed class SignExpression(TemplateExpression operand, bool negates, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var value = operand.Evaluate(run);
        if (!TemplateNumbers.IsNumber(value))
            throw TemplateValues.Wrong(run, value, $"bad operand type for unary {(negates ? '-' : '+')}: '{TemplateValues.TypeName(value)}'");
        return negates ? TemplateNumbers.Negate(value) : value is double ? value : TemplateNumbers.Normal(TemplateNumbers.AsInteger(value)!.Value);
    }
}

/// <summary><c>and</c>, <c>or</c>: the value of the operand that decides.</summary>
internal sealed class LogicExpression(bool isAnd, TemplateExpression left, TemplateExpression right, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var value = left.Evaluate(run);
        return TemplateValues.IsTrue(value) == isAnd ? right.Evaluate(run) : value;
    }
}

internal sealed class ArithmeticExpression(string name, TemplateExpression left, TemplateExpression right, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var (a, b) = (left.Evaluate(run), right.Evaluate(run));
        run.Line = Line;
        return TemplateArithmetic.Calculate(run, name, a, b);
    }
}

/// <summary><c>a ~ b ~ c</c>: the texts of the values, one after the other.</summary>
internal sealed class ConcatenationExpression(IReadOnlyList<TemplateExpression> parts, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var values = parts.Select(part => part.Evaluate(run)).ToList();
        run.Line = Line;
        return TemplateFilters.Concatenate(run, values);
    }
}

/// <summary>A chain such as <c>a &lt; b &lt;= c</c>, each pair compared.</summary>
internal sealed class CompareExpression(TemplateExpression first, IReadOnlyList<(string Name, TemplateExpression Operand)> rest, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var left = first.Evaluate(run);
        foreach (var (name, operand) in rest)
        {
            var right = operand.Evaluate(run);
            run.Line = Line;
            if (!TemplateValues.Holds(run, name, left, right))
                return false;
            left = right;
        }
        return true;
    }
}

internal sealed class ConditionExpression(TemplateExpression condition, TemplateExpression then, TemplateExpression? otherwise, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run) => TemplateValues.IsTrue(condition.Evaluate(run))
        ? then.Evaluate(run)
        : otherwise is null ? new TemplateUndefined("the inline if-expression evaluated to false and no else section was defined") : otherwise.Evaluate(run);
}

/// <summary><c>owner.name</c> (methods first) or <c>owner[key]</c>.</summary>
internal sealed class MemberExpression(TemplateExpression owner, TemplateExpression key, bool isAttribute, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var value = owner.Evaluate(run);
        var name = key.Evaluate(run);
        run.Line = Line;
        return isAttribute ? TemplateMembers.Attribute(run, value, (string)name!) : TemplateMembers.Item(run, value, name);
    }
}

internal sealed class SliceExpression(
    TemplateExpression owner, TemplateExpression? start, TemplateExpression? stop, TemplateExpression? step, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var value = owner.Evaluate(run);
        return TemplateMembers.Slice(run, value, start?.Evaluate(run), stop?.Evaluate(run), step?.Evaluate(run));
    }
}

/// <summary>The arguments between the brackets of a call.</summary>
internal sealed record CallArguments(
    IReadOnlyList<TemplateExpression> Placed, IReadOnlyList<(string Name, TemplateExpression Value)> Named, TemplateExpression? Rest, TemplateExpression? NamedRest)
{
    public static CallArguments None { get; } = new([], [], null, null);

    public TemplateArguments Evaluate(TemplateRun run)
    {
        if (Placed.Count == 1 && Named.Count == 0 && Rest is null && NamedRest is null)
            return TemplateArguments.Of(Placed[0].Evaluate(run));
        var placed = Placed.Select(argument => argument.Evaluate(run)).ToList();
        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, value) in Named)
            if (!named.TryAdd(name, value.Evaluate(run)))
                throw run.Error($"keyword argument repeated: {name}");
        if (Rest is not null)
            placed.AddRange(TemplateValues.Items(run, Rest.Evaluate(run)));
        if (NamedRest?.Evaluate(run) is { } rest)
            foreach (var (key, value) in rest as TemplateDictionary ?? throw run.Error($"the argument after ** must be a mapping, not {TemplateValues.TypeName(rest)}"))
                if (!named.TryAdd(TemplateValues.AsText(key.Value) ?? throw run.Error("keywords must be strings"), value))
                    throw run.Error($"got multiple values for keyword argument '{key.Value}'");
        run.ChargeItems(placed.Count + named.Count);
        return new(placed, named);
    }
}

internal sealed class CallExpression(TemplateExpression callee, CallArguments arguments, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run) => Call(run, null);

    /// <param name="caller">What a call block gives the macro besides, or null.</param>
    public object? Call(TemplateRun run, TemplateFunction? caller)
    {
        var target = callee.Evaluate(run);
        var given = arguments.Evaluate(run);
        run.Line = Line;
        if (caller is not null)
            given = given with { Named = new Dictionary<string, object?>(given.Named) { ["caller"] = caller } };
        return target switch
        {
            TemplateFunction function => function.Call(run, given),
            TemplateLoop loop => loop.Recurse(run, given),
            _ => throw TemplateValues.Wrong(run, target, $"'{TemplateValues.TypeName(target)}' object is not callable"),
        };
    }
}

internal sealed class FilterExpression(TemplateExpression? operand, string name, CallArguments arguments, int line) : TemplateExpression(line)
{
    /// <summary>The value of a filter whose innermost operand is what a block wrote.</summary>
    public object? Apply(TemplateRun run, object? written)
    {
        var value = operand is null ? written : operand is FilterExpression inner ? inner.Apply(run, written) : operand.Evaluate(run);
        var given = arguments.Evaluate(run);
        run.Line = Line;
        return TemplateFilters.Apply(run, name, value, given);
    }

    protected override object? Compute(TemplateRun run)
    {
        var value = operand!.Evaluate(run);
        var given = arguments.Evaluate(run);
        run.Line = Line;
        return TemplateFilters.Apply(run, name, value, given);
    }
}

internal sealed class TestExpression(TemplateExpression operand, string name, CallArguments arguments, bool isNegated, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var value = operand.Evaluate(run);
        var given = arguments.Evaluate(run);
        run.Line = Line;
        return TemplateTests.Holds(run, name, value, given) != isNegated;
    }
}
