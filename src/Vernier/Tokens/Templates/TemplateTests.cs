using System.Collections.Frozen;
using System.Numerics;

namespace Vernier.Tokens.Templates;

/// <summary>What can stand after <c>is</c>.</summary>
internal static class TemplateTests
{
    private delegate bool Test(TemplateRun run, object? value, TemplateBound arguments);

    private static readonly FrozenDictionary<string, (TemplateSignature Signature, Test Call)> ByName = new (string Name, string Parameters, Test Call)[]
    {
        ("defined", "", (_, value, _) => value is not TemplateUndefined),
        ("undefined", "", (_, value, _) => value is TemplateUndefined),
        ("none", "", (_, value, _) => value is null),
        ("string", "", (_, value, _) => value is string or TemplateMarkup),
        ("mapping", "", (_, value, _) => value is TemplateDictionary),
        ("sequence", "", (_, value, _) => value is string or TemplateMarkup or IReadOnlyList<object?> or TemplateDictionary or TemplateUndefined),
        ("iterable", "", (_, value, _) => TemplateValues.IsIterable(value)),
        ("boolean", "", (_, value, _) => value is bool),
        ("true", "", (_, value, _) => value is true),
        ("false", "", (_, value, _) => value is false),
        ("number", "", (_, value, _) => TemplateNumbers.IsNumber(value)),
        ("integer", "", (_, value, _) => value is long or BigInteger),
        ("float", "", (_, value, _) => value is double),
        ("callable", "", (_, value, _) => value is TemplateFunction or TemplateUndefined or TemplateLoop),
        ("escaped", "", (_, value, _) => value is TemplateMarkup),
        ("odd", "", (run, value, _) => Remainder(run, value, 2L) is 1),
        ("even", "", (run, value, _) => Remainder(run, value, 2L) is 0),
        ("divisibleby", "num", (run, value, a) => Remainder(run, value, a.Get(0)) is 0),
        ("upper", "", (run, value, _) => TemplateTextMethods.IsUpper(Letters(run, value))),
        ("lower", "", (run, value, _) => TemplateTextMethods.IsLower(Letters(run, value))),
        ("in", "seq", (run, value, a) => TemplateValues.Contains(run, a.Get(0), value)),
        ("sameas", "other", (_, value, a) => IsSame(value, a.Get(0))),
        ("filter", "", (_, value, _) => TemplateValues.AsText(value) is { } name && TemplateFilters.Exists(name)),
        ("test", "", (_, value, _) => TemplateValues.AsText(value) is { } name && Exists(name)),
        Comparison("eq", "=="), Comparison("equalto", "=="), Comparison("==", "=="),
        Comparison("ne", "!="), Comparison("!=", "!="),
        Comparison("lt", "<"), Comparison("lessthan", "<"), Comparison("<", "<"),
        Comparison("le", "<="), Comparison("<=", "<="),
        Comparison("gt", ">"), Comparison("greaterthan", ">"), Comparison(">", ">"),
        Comparison("ge", ">="), Comparison(">=", ">="),
    }.ToFrozenDictionary(entry => entry.Name, entry => (new TemplateSignature(entry.Name, entry.Parameters), entry.Call), StringComparer.Ordinal);

    public static bool Exists(string name) => ByName.ContainsKey(name);

    public static bool Holds(TemplateRun run, string name, object? value, TemplateArguments arguments) => ByName.TryGetValue(name, out var test)
        ? test.Call(run, value, test.Signature.Bind(run, arguments))
        : throw run.Error($"no test named '{name}'");

    private static (string, string, Test) Comparison(string name, string operation) =>
        (name, "/ other", (run, value, arguments) => TemplateValues.Holds(run, operation, value, arguments.Get(0)));

    private static string Letters(TemplateRun run, object? value)
    {
        var text = TemplateFilters.Soft(run, value);
        run.Charge(text.Length / 4);
        return text;
    }

    private static int Remainder(TemplateRun run, object? value, object? divisor)
    {
        var rest = TemplateArithmetic.Calculate(run, "%", value, divisor);
        return TemplateValues.AreEqual(run, rest, 0L) ? 0 : TemplateValues.AreEqual(run, rest, 1L) ? 1 : 2;
    }

    /// <summary>The same object: constants and short numbers are, other values where they came from one place.</summary>
    private static bool IsSame(object? value, object? other) => value switch
    {
        null or bool => Equals(value, other),
        long number => other is long same && number == same,
        string text => other is string same && text == same,
        double number => other is double same && number.Equals(same),
        TemplateTuple { Count: 0 } => other is TemplateTuple { Count: 0 },
        _ => ReferenceEquals(value, other),
    };
}
