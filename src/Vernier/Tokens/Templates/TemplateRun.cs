using System.Runtime.CompilerServices;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>One rendering: its output, its variables, and the limits that an untrusted template has to keep.</summary>
internal sealed class TemplateRun(TemplateLimits limits)
{
    private long _steps;
    private int _depth;

    public StringBuilder Output { get; set; } = new();

    public TemplateScope Scope { get; set; } = new(null);

    /// <summary>What is written is escaped for HTML, unless it is HTML: inside <c>{% autoescape true %}</c>.</summary>
    public bool Escapes { get; set; }

    /// <summary>The line that is being rendered.</summary>
    public int Line { get; set; }

    public TemplateException Error(string message) => new($"line {Line}: {message}", Line);

    /// <summary>Counts work: one for every node, and more for what handles much text.</summary>
    public void Charge(long work = 1)
    {
        _steps += work;
        if (_steps > limits.Steps)
            throw Error($"the template takes more than {limits.Steps} steps");
    }

    /// <summary>Counts the work of making a text, and refuses one that is too long.</summary>
    public void ChargeSize(long size)
    {
        CheckSize(size);
        Charge(1 + size / 16);
    }

    public void CheckSize(long size)
    {
        if (size > limits.Characters)
            throw Error($"the template makes a text or list of more than {limits.Characters} items");
    }

    /// <summary>Counts the work of making a list, and refuses one that is too long.</summary>
    public void ChargeItems(long count)
    {
        CheckSize(count);
        Charge(1 + count / 4);
    }

    public void Write(string text)
    {
        if (Output.Length + (long)text.Length > limits.Characters)
            throw Error($"the template writes more than {limits.Characters} characters");
        Charge(1 + text.Length / 16);
        Output.Append(text);
    }

    /// <summary>Goes one level deeper: into an expression, a statement, a call or a value.</summary>
    public void Enter()
    {
        if (++_depth > limits.Depth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Error($"the template nests deeper than {Math.Min(_depth, limits.Depth)}");
    }

    public void Leave() => _depth--;

    /// <summary>Runs statements in a scope of their own, with their output caught.</summary>
    public string Capture(TemplateStatement body, TemplateScope scope)
    {
        var (outer, around) = (Output, Scope);
        (Output, Scope) = (new StringBuilder(), scope);
        body.Execute(this);
        var text = Output.ToString();
        (Output, Scope) = (outer, around);
        return text;
    }

    /// <summary>A text that the template wrote itself: HTML where it is escaped.</summary>
    public object Written(string text) => Escapes ? new TemplateMarkup(text) : text;
}

/// <summary>How much an untrusted template may do.</summary>
internal sealed record TemplateLimits(long Steps = 5_000_000, int Characters = 16 << 20, int Depth = 1000);

/// <summary>Variables; a name that is not here is looked for in the scope around.</summary>
internal sealed class TemplateScope(TemplateScope? around)
{
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    public void Set(string name, object? value) => _values[name] = value;

    public object? Find(TemplateRun run, string name)
    {
        for (var scope = this; scope is not null; scope = scope.Around)
        {
            run.Charge();
            if (scope._values.TryGetValue(name, out var value))
                return value;
        }
        return new TemplateUndefined($"'{name}' is undefined");
    }

    /// <summary>The scope of the whole template.</summary>
    public TemplateScope Root => Around?.Root ?? this;

    private TemplateScope? Around { get; } = around;
}
