namespace Vernier.Tokens.Templates;

/// <summary>How a statement ended: go on, or leave or repeat the loop around it.</summary>
internal enum TemplateFlow
{
    Next,
    Break,
    Continue,
}

/// <summary>A node of the syntax tree that writes or sets something.</summary>
internal abstract class TemplateStatement(int line)
{
    public int Line { get; } = line;

    public TemplateFlow Execute(TemplateRun run)
    {
        run.Line = Line;
        run.Charge();
        run.Enter();
        var flow = Perform(run);
        run.Leave();
        return flow;
    }

    protected abstract TemplateFlow Perform(TemplateRun run);
}

internal sealed class BlockStatement(IReadOnlyList<TemplateStatement> statements, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        foreach (var statement in statements)
            if (statement.Execute(run) is not TemplateFlow.Next and var flow)
                return flow;
        return TemplateFlow.Next;
    }
}

internal sealed class TextStatement(string text, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        run.Write(text);
        return TemplateFlow.Next;
    }
}

internal sealed class WriteStatement(TemplateExpression value, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        run.Write(TemplateValues.Text(run, value.Evaluate(run)));
        return TemplateFlow.Next;
    }
}

internal sealed class FlowStatement(TemplateFlow flow, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run) => flow;
}

internal sealed class IfStatement(
    IReadOnlyList<(TemplateExpression Condition, TemplateStatement Body)> branches, TemplateStatement? otherwise, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        foreach (var (condition, body) in branches)
            if (TemplateValues.IsTrue(condition.Evaluate(run)))
                return body.Execute(run);
        return otherwise?.Execute(run) ?? TemplateFlow.Next;
    }
}

/// <summary>What a value is set to: one name, several names, or a member of a namespace.</summary>
internal sealed record TemplateTarget(IReadOnlyList<string> Names, string? Member = null)
{
    public void Set(TemplateRun run, object? value)
    {
        if (Member is not null)
        {
            if (run.Scope.Find(Names[0]) is not TemplateNamespace space)
                throw run.Error($"cannot set the member {Member}: {Names[0]} is not a namespace");
            space.Members[Member] = value;
        }
        else if (Names.Count == 1)
        {
            run.Scope.Set(Names[0], value);
        }
        else
        {
            var items = TemplateValues.Items(run, value);
            if (items.Count != Names.Count)
                throw run.Error($"{items.Count} values for the {Names.Count} names {string.Join(", ", Names)}");
            for (var i = 0; i < items.Count; i++)
                run.Scope.Set(Names[i], items[i]);
        }
    }
}

internal sealed class SetStatement(TemplateTarget target, TemplateExpression value, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        target.Set(run, value.Evaluate(run));
        return TemplateFlow.Next;
    }
}

/// <summary><c>{% set x %}...{% endset %}</c> and <c>{% filter f %}...{% endfilter %}</c>: what the body writes, filtered, is set or written.</summary>
internal sealed class CaptureStatement(
    TemplateTarget? target, IReadOnlyList<FilterExpression> filters, TemplateStatement body, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        object? value = run.Capture(body);
        foreach (var filter in filters)
            value = filter.Apply(run, value);
        if (target is null)
            run.Write(TemplateValues.Text(run, value));
        else
            target.Set(run, value);
        return TemplateFlow.Next;
    }
}

/// <summary><c>{% with a = 1 %}...{% endwith %}</c>: a scope of its own.</summary>
internal sealed class WithStatement(IReadOnlyList<(TemplateTarget Target, TemplateExpression Value)> settings, TemplateStatement body, int line)
    : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        var outer = run.Scope;
        var values = settings.Select(setting => setting.Value.Evaluate(run)).ToArray();
        run.Scope = new TemplateScope(outer);
        for (var i = 0; i < values.Length; i++)
            settings[i].Target.Set(run, values[i]);
        var flow = body.Execute(run);
        run.Scope = outer;
        return flow;
    }
}

internal sealed class ForStatement(
    TemplateTarget target, TemplateExpression source, TemplateExpression? filter, TemplateStatement body, TemplateStatement? otherwise, int line)
    : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        var outer = run.Scope;
        var items = TemplateValues.Items(run, source.Evaluate(run));
        if (filter is not null)
            items = Filter(run, filter, items, outer);
        var loop = new TemplateLoop(items);
        var flow = TemplateFlow.Next;
        for (var i = 0; i < items.Count && flow != TemplateFlow.Break; i++)
        {
            run.Charge();
            loop.Index = i;
            run.Scope = new TemplateScope(outer);
            run.Scope.Set("loop", loop);
            target.Set(run, items[i]);
            flow = body.Execute(run);
        }
        run.Scope = outer;
        if (items.Count == 0)
            otherwise?.Execute(run);
        return TemplateFlow.Next;
    }

    private List<object?> Filter(TemplateRun run, TemplateExpression condition, List<object?> items, TemplateScope outer)
    {
        var kept = new List<object?>();
        foreach (var item in items)
        {
            run.Scope = new TemplateScope(outer);
            target.Set(run, item);
            if (TemplateValues.IsTrue(condition.Evaluate(run)))
                kept.Add(item);
        }
        run.Scope = outer;
        return kept;
    }
}

/// <summary>The variable <c>loop</c>.</summary>
internal sealed class TemplateLoop(List<object?> items)
{
    private object? _lastChanged = new TemplateUndefined("nothing yet");

    public int Index { get; set; }

    public object? Get(string name) => name switch
    {
        "index" => Index + 1L,
        "index0" => (long)Index,
        "revindex" => (long)items.Count - Index,
        "revindex0" => (long)items.Count - Index - 1,
        "first" => Index == 0,
        "last" => Index == items.Count - 1,
        "length" => (long)items.Count,
        "previtem" => Index > 0 ? items[Index - 1] : new TemplateUndefined("there is no previous item"),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : new TemplateUndefined("there is no next item"),
        "cycle" => new TemplateFunction("cycle", (run, arguments) => arguments.Placed.Count > 0
            ? arguments.Placed[Index % arguments.Placed.Count]
            : throw run.Error("no items for cycling given")),
        "changed" => new TemplateFunction("changed", (_, arguments) =>
        {
            var isSame = TemplateValues.Equals(_lastChanged, arguments.Get(0, "value"));
            _lastChanged = arguments.Get(0, "value");
            return !isSame;
        }),
        _ => new TemplateUndefined($"'LoopContext object' has no attribute '{name}'"),
    };
}

/// <summary>A macro: a function that writes. It sees the variables of the place where it stands.</summary>
internal sealed class MacroStatement(
    string name, IReadOnlyList<(string Name, TemplateExpression? Default)> parameters, TemplateStatement body, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        run.Scope.Set(name, MakeFunction(run.Scope));
        return TemplateFlow.Next;
    }

    public TemplateFunction MakeFunction(TemplateScope home) => new(name, (run, arguments) => Call(run, home, arguments));

    private string Call(TemplateRun run, TemplateScope home, TemplateArguments arguments)
    {
        if (arguments.Placed.Count > parameters.Count)
            throw run.Error($"macro '{name}' takes not more than {parameters.Count} argument(s)");
        foreach (var given in arguments.Named.Keys)
            if (given != "caller" && !parameters.Any(parameter => parameter.Name == given))
                throw run.Error($"macro '{name}' takes no keyword argument '{given}'");
        var outer = run.Scope;
        run.Scope = new TemplateScope(home);
        if (arguments.Named.TryGetValue("caller", out var caller))
            run.Scope.Set("caller", caller);
        for (var i = 0; i < parameters.Count; i++)
            run.Scope.Set(parameters[i].Name, arguments.Has(i, parameters[i].Name)
                ? arguments.Get(i, parameters[i].Name)
                : parameters[i].Default?.Evaluate(run) ?? (parameters[i].Default is null ? new TemplateUndefined($"parameter '{parameters[i].Name}' was not provided") : null));
        run.Enter();
        var text = run.Capture(body);
        run.Leave();
        run.Scope = outer;
        return text;
    }
}

/// <summary><c>{% call f(x) %}...{% endcall %}</c>: the macro f may write the body by <c>caller()</c>.</summary>
internal sealed class CallStatement(
    TemplateExpression callee, IReadOnlyList<TemplateExpression> placed, IReadOnlyList<(string Name, TemplateExpression Value)> named, MacroStatement body, int line)
    : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        var caller = new LiteralExpression(body.MakeFunction(run.Scope), Line);
        var call = new CallExpression(callee, placed, [.. named, ("caller", caller)], Line);
        run.Write(TemplateValues.Text(run, call.Evaluate(run)));
        return TemplateFlow.Next;
    }
}
