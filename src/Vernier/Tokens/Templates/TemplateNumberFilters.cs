namespace Vernier.Tokens.Templates;

/// <summary>Filters of numbers.</summary>
internal static class TemplateNumberFilters
{
    public static IEnumerable<(string Name, string Parameters, TemplateFilter Call)> All { get; } =
    [
        ("int", "default= base=", ToInteger),
        ("float", "default=", ToFloat),
        ("abs", "", (run, value, _) => !TemplateNumbers.IsNumber(value) ? throw Wrong(run, "abs", value)
            : value is double number ? Math.Abs(number)
            : TemplateNumbers.Normal(System.Numerics.BigInteger.Abs(TemplateNumbers.AsInteger(value)!.Value))),
        ("round", "precision= method=", Round),
        ("sum", "attribute= start=", Sum),
    ];

    private static object? ToInteger(TemplateRun run, object? value, TemplateBound arguments)
    {
        if (TemplateValues.AsText(value) is { } text)
        {
            run.ChargeSize(text.Length);
            run.Charge(Math.Min(text.Length, 4300) * (long)Math.Min(text.Length, 4300) / 256);
            return TemplateNumbers.Parse(text, arguments.Integer(run, 1, 10))
                ?? (TemplateNumbers.ParseFloat(text) is { } parsed && double.IsFinite(parsed) ? TemplateNumbers.Normal(TemplateFormat.Truncated(run, parsed)) : arguments.Get(0, 0L));
        }
        return value switch
        {
            TemplateUndefined => throw TemplateValues.Undefined(run, value)!,
            double number when double.IsInfinity(number) => throw run.Error("cannot convert float infinity to integer"),
            double number when double.IsNaN(number) => arguments.Get(0, 0L),
            double number => TemplateNumbers.Normal(TemplateFormat.Truncated(run, number)),
            _ => TemplateNumbers.AsInteger(value) is { } whole ? TemplateNumbers.Normal(whole) : arguments.Get(0, 0L),
        };
    }

    private static object? ToFloat(TemplateRun run, object? value, TemplateBound arguments)
    {
        if (TemplateValues.AsText(value) is not { } text)
            return TemplateNumbers.IsNumber(value) ? TemplateNumbers.ToFloat(run, value)
                : value is TemplateUndefined ? throw TemplateValues.Undefined(run, value)! : arguments.Get(0, 0.0);
        run.ChargeSize(text.Length);
        return TemplateNumbers.ParseFloat(text) is { } number ? number : arguments.Get(0, 0.0);
    }

    private static object Round(TemplateRun run, object? value, TemplateBound arguments)
    {
        var method = TemplateValues.AsText(arguments.Get(1, "common"));
        if (method is not ("common" or "ceil" or "floor"))
            throw run.Error("method must be common, ceil or floor");
        if (!TemplateNumbers.IsNumber(value))
            throw Wrong(run, "round", value);
        if (method == "common" && arguments.Get(0, 0L) is null)
            return value is double given ? TemplateNumbers.Normal(TemplateFormat.Truncated(run, (double)TemplateNumbers.Round(run, given, 0))) : TemplateNumbers.Round(run, value, 0);
        var places = arguments.Integer(run, 0);
        if (method == "common")
            return TemplateNumbers.Round(run, value, places);
        var unit = TemplateNumbers.Calculate(run, "**", 10L, places);
        var scaled = TemplateNumbers.Calculate(run, "*", value, unit);
        var whole = scaled is double real
            ? TemplateNumbers.Normal(TemplateFormat.Truncated(run, method == "ceil" ? Math.Ceiling(real) : Math.Floor(real)))
            : scaled;
        return TemplateNumbers.Calculate(run, "/", whole, unit);
    }

    private static object? Sum(TemplateRun run, object? value, TemplateBound arguments)
    {
        var sum = arguments.Get(1, 0L);
        if (TemplateValues.AsText(sum) is not null)
            throw run.Error("sum() can't sum strings [use ''.join(seq) instead]");
        foreach (var item in TemplateValues.Iterate(run, value))
        {
            run.Charge();
            sum = TemplateArithmetic.Calculate(run, "+", sum, TemplateFilters.Member(run, item, arguments.Get(0)));
        }
        return sum;
    }

    private static TemplateException Wrong(TemplateRun run, string name, object? value) =>
        TemplateValues.Wrong(run, value, $"{name} needs a number, not {TemplateValues.TypeName(value)}");
}
