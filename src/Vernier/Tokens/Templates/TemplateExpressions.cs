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

    protected override object? Compute(TemplateRun run) => run.Scope.Find(name);
}

internal sealed class ListExpression(IReadOnlyList<TemplateExpression> items, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run) => items.Select(item => item.Evaluate(run)).ToList();
}

internal sealed class DictionaryExpression(IReadOnlyList<(TemplateExpression Key, TemplateExpression Value)> entries, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var pairs = new TemplateDictionary();
        foreach (var (key, value) in entries)
            pairs[TemplateValues.Text(run, key.Evaluate(run))] = value.Evaluate(run);
        return pairs;
    }
}

internal sealed class NotExpression(TemplateExpression operand, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run) => !TemplateValues.IsTrue(operand.Evaluate(run));
}

internal sealed class NegateExpression(TemplateExpression operand, bool negates, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var value = operand.Evaluate(run);
        if (TemplateValues.AsNumber(value) is null)
            throw TemplateValues.Undefined(run, value) ?? run.Error($"bad operand type for unary -: '{TemplateValues.TypeName(value)}'");
        return TemplateValues.Calculate(run, negates ? "-" : "+", 0L, value);
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
        if (name != "~")
            return TemplateValues.Calculate(run, name, a, b);
        var (first, second) = (TemplateValues.Text(run, a), TemplateValues.Text(run, b));
        run.ChargeSize((long)first.Length + second.Length);
        return first + second;
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
            if (!Holds(run, name, left, right))
                return false;
            left = right;
        }
        return true;
    }

    public static bool Holds(TemplateRun run, string name, object? left, object? right)
    {
        switch (name)
        {
            case "==": return TemplateValues.Equals(left, right);
            case "!=": return !TemplateValues.Equals(left, right);
            case "in": return TemplateValues.Contains(run, right, left);
            case "not in": return !TemplateValues.Contains(run, right, left);
        }
        var order = TemplateValues.Compare(left, right)
            ?? throw TemplateValues.Undefined(run, left) ?? TemplateValues.Undefined(run, right)
                ?? run.Error($"'{name}' not supported between instances of '{TemplateValues.TypeName(left)}' and '{TemplateValues.TypeName(right)}'");
        return name switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };
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
        if (value is TemplateUndefined)
            throw TemplateValues.Undefined(run, value)!;
        return TemplateMembers.Get(run, value, name, isAttribute);
    }
}

internal sealed class SliceExpression(
    TemplateExpression owner, TemplateExpression? start, TemplateExpression? stop, TemplateExpression? step, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var value = owner.Evaluate(run);
        if (value is not (string or List<object?>))
            throw TemplateValues.Undefined(run, value) ?? run.Error($"'{TemplateValues.TypeName(value)}' object cannot be sliced");
        var items = TemplateValues.Items(run, value);
        var by = Bound(run, step) ?? 1;
        if (by == 0)
            throw run.Error("slice step cannot be zero");
        var from = Place(Bound(run, start), items.Count, by > 0 ? 0 : items.Count - 1, by);
        var to = Place(Bound(run, stop), items.Count, by > 0 ? items.Count : -1, by);
        var taken = new List<object?>();
        for (var i = from; by > 0 ? i < to : i > to; i += by)
            taken.Add(items[(int)i]);
        return value is string ? string.Concat(taken) : taken;
    }

    private static long? Bound(TemplateRun run, TemplateExpression? bound)
    {
        var value = bound?.Evaluate(run);
        return value is null ? null : TemplateValues.AsInteger(value) ?? throw run.Error("slice indices must be integers or None");
    }

    private static long Place(long? given, int count, int otherwise, long step)
    {
        if (given is not { } place)
            return otherwise;
        if (place < 0)
            place = Math.Max(place + count, step > 0 ? 0 : -1);
        return Math.Min(place, step > 0 ? count : count - 1);
    }
}

internal sealed class CallExpression(
    TemplateExpression callee, IReadOnlyList<TemplateExpression> placed, IReadOnlyList<(string Name, TemplateExpression Value)> named, int line)
    : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var function = callee.Evaluate(run) switch
        {
            TemplateFunction found => found,
            TemplateUndefined undefined => throw TemplateValues.Undefined(run, undefined)!,
            var other => throw run.Error($"'{TemplateValues.TypeName(other)}' object is not callable"),
        };
        var arguments = Arguments(run, placed, named);
        run.Line = Line;
        return function.Call(run, arguments);
    }

    public static TemplateArguments Arguments(
        TemplateRun run, IReadOnlyList<TemplateExpression> placed, IReadOnlyList<(string Name, TemplateExpression Value)> named)
    {
        var byName = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, value) in named)
            byName[name] = value.Evaluate(run);
        return new([.. placed.Select(argument => argument.Evaluate(run))], byName);
    }
}

internal sealed class FilterExpression(
    TemplateExpression? operand, string name, IReadOnlyList<TemplateExpression> placed, IReadOnlyList<(string Name, TemplateExpression Value)> named, int line)
    : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run) => Apply(run, operand!.Evaluate(run));

    public object? Apply(TemplateRun run, object? value)
    {
        var arguments = CallExpression.Arguments(run, placed, named);
        run.Line = Line;
        return TemplateFilters.Apply(run, name, value, arguments);
    }
}

internal sealed class TestExpression(
    TemplateExpression operand, string name, IReadOnlyList<TemplateExpression> placed, bool isNegated, int line) : TemplateExpression(line)
{
    protected override object? Compute(TemplateRun run)
    {
        var value = operand.Evaluate(run);
        var arguments = CallExpression.Arguments(run, placed, []);
        run.Line = Line;
        return TemplateTests.Holds(run, name, value, arguments) != isNegated;
    }
}
