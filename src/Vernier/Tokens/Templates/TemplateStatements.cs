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

internal sealed class BodyStatement(IReadOnlyList<TemplateStatement> statements, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        foreach (var statement in statements)
            if (statement.Execute(run) is not TemplateFlow.Next and var flow)
                return flow;
        return TemplateFlow.Next;
    }
}

/// <summary>Statements in a scope of their own: what they set is gone after them.</summary>
/// <param name="escapes">Whether values are escaped, by <c>{% autoescape %}</c>; null where nothing is said.</param>
/// <param name="fromRoot">The scope sees the variables of the whole template only, as <c>{% block %}</c> does.</param>
internal sealed class ScopeStatement(TemplateStatement body, TemplateExpression? escapes, bool fromRoot, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        var (outer, escaped) = (run.Scope, run.Escapes);
        if (escapes is not null)
            run.Escapes = TemplateValues.IsTrue(escapes.Evaluate(run));
        run.Scope = new TemplateScope(fromRoot ? outer.Root : outer);
        var flow = body.Execute(run);
        (run.Scope, run.Escapes) = (outer, escaped);
        return flow;
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
        Write(run, value.Evaluate(run));
        return TemplateFlow.Next;
    }

    public static void Write(TemplateRun run, object? value) =>
        run.Write(run.Escapes ? TemplateText.Escaped(run, value).Text : TemplateRepresentation.Text(run, value));
}

internal sealed class FlowStatement(TemplateFlow flow, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run) => flow;
}

/// <summary>A tag that reaches for another template: there is none.</summary>
internal sealed class RefusedStatement(string tag, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run) => throw run.Error($"{{% {tag} %}}: a chat template cannot load another one");
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

/// <summary>What a value is set to: a name, a member of a namespace, or several of these, nested as they may be.</summary>
internal static class TemplateTarget
{
    public static void Set(TemplateRun run, TemplateExpression target, object? value)
    {
        run.Charge();
        switch (target)
        {
            case NameExpression name:
                run.Scope.Set(name.Name, value);
                break;
            case NamespaceReference reference:
                if (run.Scope.Find(run, reference.Name) is not TemplateNamespace space)
                    throw run.Error($"cannot set the member {reference.Member}: {reference.Name} is not a namespace");
                space.Members[reference.Member] = value;
                break;
            case ListExpression several:
                var items = TemplateValues.Items(run, value);
                if (items.Count != several.Items.Count)
                    throw run.Error($"{items.Count} values for {several.Items.Count} names");
                for (var i = 0; i < items.Count; i++)
                    Set(run, several.Items[i], items[i]);
                break;
        }
    }
}

internal sealed class SetStatement(TemplateExpression target, TemplateExpression value, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        TemplateTarget.Set(run, target, value.Evaluate(run));
        return TemplateFlow.Next;
    }
}

/// <summary><c>{% set x %}...{% endset %}</c> and <c>{% filter f %}...{% endfilter %}</c>: what the body writes, filtered, is set or written.</summary>
internal sealed class CaptureStatement(TemplateExpression? target, FilterExpression? filter, TemplateStatement body, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        var value = run.Written(run.Capture(body, new TemplateScope(run.Scope)));
        if (filter is not null)
            value = filter.Apply(run, value)!;
        if (target is null)
            WriteStatement.Write(run, value);
        else
            TemplateTarget.Set(run, target, run.Escapes ? TemplateText.Escaped(run, value) : value);
        return TemplateFlow.Next;
    }
}

/// <summary><c>{% with a = 1 %}...{% endwith %}</c>: a scope of its own.</summary>
internal sealed class WithStatement(IReadOnlyList<(TemplateExpression Target, TemplateExpression Value)> settings, TemplateStatement body, int line)
    : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        var outer = run.Scope;
        var values = settings.Select(setting => setting.Value.Evaluate(run)).ToArray();
        run.Scope = new TemplateScope(outer);
        for (var i = 0; i < values.Length; i++)
            TemplateTarget.Set(run, settings[i].Target, values[i]);
        var flow = body.Execute(run);
        run.Scope = outer;
        return flow;
    }
}
