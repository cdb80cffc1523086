using System.Collections.Frozen;

namespace Vernier.Tokens.Templates;

/// <summary>What can stand after <c>is</c>.</summary>
internal static class TemplateTests
{
    private delegate bool Test(TemplateRun run, object? value, TemplateArguments arguments);

    private static readonly FrozenDictionary<string, Test> ByName = new Dictionary<string, Test>
    {
        ["defined"] = (_, value, _) => value is not TemplateUndefined,
        ["undefined"] = (_, value, _) => value is TemplateUndefined,
        ["none"] = (_, value, _) => value is null,
        ["string"] = (_, value, _) => value is string,
        ["mapping"] = (_, value, _) => value is TemplateDictionary,
        ["sequence"] = (_, value, _) => value is string or List<object?> or TemplateDictionary,
        ["iterable"] = (_, value, _) => value is string or List<object?> or TemplateDictionary or TemplateUndefined,
        ["boolean"] = (_, value, _) => value is bool,
        ["true"] = (_, value, _) => value is true,
        ["false"] = (_, value, _) => value is false,
        ["number"] = (_, value, _) => value is bool or long or double,
        ["integer"] = (_, value, _) => value is long,
        ["float"] = (_, value, _) => value is double,
        ["callable"] = (_, value, _) => value is TemplateFunction,
        ["odd"] = (run, value, _) => Remainder(run, value, 2) != 0,
        ["even"] = (run, value, _) => Remainder(run, value, 2) == 0,
        ["divisibleby"] = (run, value, arguments) => Remainder(run, value, arguments.Integer(run, 0, "num")) == 0,
        ["upper"] = (_, value, _) => value is string text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
        ["lower"] = (_, value, _) => value is string text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
        ["in"] = (run, value, arguments) => TemplateValues.Contains(run, arguments.Get(0, "seq"), value),
        ["sameas"] = (_, value, arguments) => arguments.Get(0, "other") is var other
            && (value is null or bool ? object.Equals(value, other) : TemplateValues.TypeName(value) == TemplateValues.TypeName(other) && TemplateValues.Equals(value, other)),
        ["filter"] = (_, value, _) => value is string name && TemplateFilters.Exists(name),
        ["test"] = (_, value, _) => value is string name && Exists(name),
        ["eq"] = Comparison("=="),
        ["equalto"] = Comparison("=="),
        ["ne"] = Comparison("!="),
        ["lt"] = Comparison("<"),
        ["lessthan"] = Comparison("<"),
        ["le"] = Comparison("<="),
        ["gt"] = Comparison(">"),
        ["greaterthan"] = Comparison(">"),
        ["ge"] = Comparison(">="),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static bool Exists(string name) => ByName.ContainsKey(name);

    public static bool Holds(TemplateRun run, string name, object? value, TemplateArguments arguments) => ByName.TryGetValue(name, out var test)
        ? test(run, value, arguments)
        : throw run.Error($"no test named '{name}'");

    private static Test Comparison(string name) => (run, value, arguments) => CompareExpression.Holds(run, name, value, arguments.Get(0, "other"));

    private static long Remainder(TemplateRun run, object? value, long divisor) =>
        TemplateValues.AsInteger(value) is { } number && divisor is not (0 or -1)
            ? number % divisor
            : divisor == -1 ? 0 : throw run.Error($"'{TemplateValues.TypeName(value)}' cannot be divided by {divisor}");
}
