namespace Vernier.Tokens.Templates;

/// <summary>What a macro takes.</summary>
/// <param name="UsesRest">Its body reads <c>varargs</c>.</param>
/// <param name="UsesNamedRest">Its body reads <c>kwargs</c>.</param>
/// <param name="UsesCaller">Its body reads <c>caller</c>.</param>
internal sealed record MacroParameters(
    IReadOnlyList<(string Name, TemplateExpression? Default)> Items, bool UsesRest, bool UsesNamedRest, bool UsesCaller);

/// <summary>A macro: a function that writes. It sees the variables of the place where it stands.</summary>
internal sealed class MacroStatement(string? name, MacroParameters parameters, TemplateStatement body, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        run.Scope.Set(name!, MakeFunction(run));
        return TemplateFlow.Next;
    }

    public TemplateFunction MakeFunction(TemplateRun run)
    {
        var (home, escapes) = (run.Scope, run.Escapes);
        return new TemplateFunction(name ?? "caller", (caller, arguments) => Call(caller, home, escapes, arguments))
        {
            Text = name is null ? "<Macro anonymous>" : $"<Macro '{name}'>",
            Members = new TemplateDictionary
            {
                ["name"] = name,
                ["arguments"] = new TemplateTuple([.. parameters.Items.Select(item => (object?)item.Name)]),
                ["catch_varargs"] = parameters.UsesRest,
                ["catch_kwargs"] = parameters.UsesNamedRest,
                ["caller"] = parameters.UsesCaller,
            },
        };
    }

    private object Call(TemplateRun run, TemplateScope home, bool escapes, TemplateArguments arguments)
    {
        var scope = new TemplateScope(home);
        var values = Bind(run, arguments, scope);
        var (outer, escaped) = (run.Scope, run.Escapes);
        (run.Scope, run.Escapes) = (scope, escapes);
        for (var i = 0; i < values.Length; i++)
            scope.Set(parameters.Items[i].Name, new TemplateUndefined($"parameter '{parameters.Items[i].Name}' was not provided"));
        for (var i = 0; i < values.Length; i++)
            if (values[i] != TemplateBound.Absent)
                scope.Set(parameters.Items[i].Name, values[i]);
        for (var i = 0; i < values.Length; i++)
            if (values[i] == TemplateBound.Absent && parameters.Items[i].Default is { } standard)
                scope.Set(parameters.Items[i].Name, standard.Evaluate(run));
        var text = run.Capture(body, scope);
        (run.Scope, run.Escapes) = (outer, escaped);
        return escapes ? new TemplateMarkup(text) : text;
    }

    private object?[] Bind(TemplateRun run, TemplateArguments arguments, TemplateScope scope)
    {
        var values = new object?[parameters.Items.Count];
        Array.Fill(values, TemplateBound.Absent);
        for (var i = 0; i < values.Length && i < arguments.Placed.Count; i++)
            values[i] = arguments.Placed[i];
        var rest = new Dictionary<string, object?>(arguments.Named, StringComparer.Ordinal);
        for (var i = arguments.Placed.Count; i < values.Length; i++)
            if (rest.Remove(parameters.Items[i].Name, out var given))
                values[i] = given;
        if (parameters.UsesCaller && !parameters.Items.Any(item => item.Name == "caller"))
            scope.Set("caller", rest.Remove("caller", out var caller) && caller is not null ? caller : new TemplateUndefined("No caller defined"));
        var all = new TemplateDictionary();
        foreach (var (key, value) in rest)
            all[key] = value;
        if (parameters.UsesNamedRest)
            scope.Set("kwargs", all);
        else if (rest.Count > 0)
            throw run.Error($"macro '{name}' takes no keyword argument '{rest.Keys.First()}'");
        if (parameters.UsesRest)
            scope.Set("varargs", new TemplateTuple([.. arguments.Placed.Skip(values.Length)]));
        else if (arguments.Placed.Count > values.Length)
            throw run.Error($"macro '{name}' takes not more than {values.Length} argument(s)");
        return values;
    }
}

/// <summary><c>{% call f(x) %}...{% endcall %}</c>: the macro f may write the body by <c>caller()</c>.</summary>
internal sealed class CallStatement(CallExpression call, MacroStatement body, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        WriteStatement.Write(run, call.Call(run, body.MakeFunction(run)));
        return TemplateFlow.Next;
    }
}
