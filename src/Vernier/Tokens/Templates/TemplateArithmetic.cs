using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>Sums, differences and so on; Python's rules for texts and lists too.</summary>
internal static class TemplateArithmetic
{
    public static object? Calculate(TemplateRun run, string name, object? left, object? right)
    {
        if (TemplateNumbers.IsNumber(left) && TemplateNumbers.IsNumber(right))
            return TemplateNumbers.Calculate(run, name, left, right);
        if (name == "%" && left is string or TemplateMarkup)
            return TemplateFormat.Percent(run, left, right);
        var result = name switch { "+" => Add(run, left, right), "*" => Multiply(run, left, right), _ => null };
        return result ?? throw TemplateValues.Undefined(run, left)
            ?? TemplateValues.Wrong(run, right, $"unsupported operand type(s) for {name}: '{TemplateValues.TypeName(left)}' and '{TemplateValues.TypeName(right)}'");
    }

    private static object? Add(TemplateRun run, object? left, object? right)
    {
        switch (left, right)
        {
            case (string a, string b):
                run.ChargeSize((long)a.Length + b.Length);
                return a + b;
            case (TemplateMarkup, string or TemplateMarkup) or (string, TemplateMarkup):
                var (first, second) = (TemplateText.Escaped(run, left).Text, TemplateText.Escaped(run, right).Text);
                run.ChargeSize((long)first.Length + second.Length);
                return new TemplateMarkup(first + second);
            case (List<object?> a, List<object?> b):
                run.ChargeItems((long)a.Count + b.Count);
                return new List<object?>([.. a, .. b]);
            case (TemplateTuple a, TemplateTuple b):
                run.ChargeItems((long)a.Count + b.Count);
                return new TemplateTuple([.. a, .. b]);
            default:
                return null;
        }
    }

    private static object? Multiply(TemplateRun run, object? left, object? right)
    {
        if (TemplateNumbers.AsClamped(left) is not null)
            (left, right) = (right, left);
        if (TemplateNumbers.AsClamped(right) is not { } given)
            return null;
        var count = Math.Max(0, given);
        if (TemplateValues.AsText(left) is { } text)
        {
            run.ChargeSize(Product(text.Length, count));
            var repeated = new StringBuilder().Insert(0, text, text.Length == 0 ? 0 : (int)count).ToString();
            return left is TemplateMarkup ? new TemplateMarkup(repeated) : repeated;
        }
        if (left is not (List<object?> or TemplateTuple))
            return null;
        var items = (IReadOnlyList<object?>)left;
        run.ChargeItems(Product(items.Count, count));
        var all = items.Count == 0 ? [] : Enumerable.Repeat(items, (int)count).SelectMany(list => list).ToList();
        return left is TemplateTuple ? new TemplateTuple([.. all]) : all;
    }

    private static long Product(int size, long count) => size == 0 ? 0 : count > int.MaxValue ? long.MaxValue : size * count;
}
