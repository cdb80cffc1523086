using System.Collections.Frozen;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>What can stand after <c>|</c>: the list, and what texts share.</summary>
internal static class TemplateFilters
{
    private static readonly FrozenDictionary<string, (TemplateSignature Signature, TemplateFilter Call)> ByName =
        TemplateTextFilters.All.Concat(TemplateSequenceFilters.All).Concat(TemplateNumberFilters.All)
            .ToFrozenDictionary(entry => entry.Name, entry => (new TemplateSignature(entry.Name, entry.Parameters), entry.Call), StringComparer.Ordinal);

    public static bool Exists(string name) => ByName.ContainsKey(name);

    /// <exception cref="TemplateException">There is no such filter, its arguments do not fit, or it refuses the value.</exception>
    public static object? Apply(TemplateRun run, string name, object? value, TemplateArguments arguments)
    {
        if (!ByName.TryGetValue(name, out var filter))
            throw run.Error($"no filter named '{name}'");
        run.Charge();
        run.Enter();
        var result = filter.Call(run, value, filter.Signature.Bind(run, arguments));
        run.Leave();
        return result;
    }

    /// <summary>What <c>~</c> makes.</summary>
    public static object Concatenate(TemplateRun run, List<object?> values)
    {
        if (run.Escapes && values.Exists(value => value is TemplateMarkup))
            values = values.ConvertAll(value => (object?)TemplateText.Escaped(run, value));
        var text = new StringBuilder();
        foreach (var value in values)
        {
            var part = TemplateRepresentation.Text(run, value);
            run.ChargeSize((long)text.Length + part.Length);
            text.Append(part);
        }
        return run.Escapes && values.Exists(value => value is TemplateMarkup) ? new TemplateMarkup(text.ToString()) : text.ToString();
    }

    /// <param name="isStrict">Items that are no texts are refused, as by the method <c>join</c>.</param>
    public static string JoinTexts(TemplateRun run, string separator, object? items, bool isStrict)
    {
        var joined = new StringBuilder();
        var count = 0;
        foreach (var item in TemplateValues.Iterate(run, items))
        {
            var part = !isStrict ? TemplateRepresentation.Text(run, item)
                : TemplateValues.AsText(item) ?? throw run.Error($"sequence item {count}: expected str instance, {TemplateValues.TypeName(item)} found");
            run.CheckSize((long)joined.Length + separator.Length + part.Length);
            run.Charge(1 + (separator.Length + part.Length) / 16);
            joined.Append(count++ > 0 ? separator : "").Append(part);
        }
        return joined.ToString();
    }

    /// <summary>Joins with a separator that is markup: the items are escaped.</summary>
    public static string JoinMarkup(TemplateRun run, object? separator, object? items) => JoinTexts(
        run, TemplateValues.AsText(separator)!, TemplateValues.Iterate(run, items).Select(item => (object?)TemplateText.Escaped(run, item)).ToList(), isStrict: true);

    /// <summary>A text or markup as it is, of another value what is printed.</summary>
    public static string Soft(TemplateRun run, object? value)
    {
        var text = TemplateRepresentation.Text(run, value);
        run.ChargeSize(text.Length);
        return text;
    }

    /// <summary>The filter's text as markup where its value was.</summary>
    public static object Like(object? value, string text) => value is TemplateMarkup ? new TemplateMarkup(text) : text;

    /// <summary>A member by a path such as <c>function.name</c>; a number of the path is a place.</summary>
    public static object? Member(TemplateRun run, object? item, object? path, object? otherwise = null)
    {
        if (path is null)
            return item;
        foreach (var part in TemplateValues.AsText(path) is { } text ? (object[])text.Split('.') : [path])
        {
            run.Charge();
            var key = part is string { Length: > 0 } digits && digits.All(char.IsDigit) ? TemplateNumbers.Parse(digits, 10) : part;
            item = TemplateMembers.Item(run, item, key);
            if (item is TemplateUndefined && otherwise is not null)
                item = otherwise;
        }
        return item;
    }
}

/// <summary>What a filter does with a value.</summary>
internal delegate object? TemplateFilter(TemplateRun run, object? value, TemplateBound arguments);
