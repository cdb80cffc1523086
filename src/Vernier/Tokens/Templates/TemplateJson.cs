using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Vernier.Tokens.Templates;

/// <summary>JSON to values of a template, and back in the layout of Python's <c>json.dumps</c> without escapes for non-ASCII characters.</summary>
internal static class TemplateJson
{
    public static object? ToValue(JsonNode? node) => node switch
    {
        null => null,
        JsonObject members => ToDictionary(members),
        JsonArray items => items.Select(ToValue).ToList(),
        JsonValue value => value.GetValueKind() switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.String => value.GetValue<string>(),
            JsonValueKind.Number => ToNumber(value.ToJsonString()),
            _ => null,
        },
        _ => null,
    };

    private static object ToNumber(string text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
        ? (object)whole
        : double.Parse(text, CultureInfo.InvariantCulture);

    private static TemplateDictionary ToDictionary(JsonObject members)
    {
        var pairs = new TemplateDictionary();
        foreach (var (name, value) in members)
            pairs[name] = ToValue(value);
        return pairs;
    }

    /// <param name="indent">Blanks per level, or null for one line.</param>
    public static string Write(TemplateRun run, object? value, int? indent, bool sortsKeys)
    {
        var text = new StringBuilder();
        Write(run, value, indent, sortsKeys, level: 1, text);
        return text.ToString();
    }

    private static void Write(TemplateRun run, object? value, int? indent, bool sortsKeys, int level, StringBuilder to)
    {
        run.Enter();
        run.ChargeSize(to.Length / 64);
        switch (value)
        {
            case null: to.Append("null"); break;
            case bool flag: to.Append(flag ? "true" : "false"); break;
            case long number: to.Append(CultureInfo.InvariantCulture, $"{number}"); break;
            case double number: to.Append(TemplateValues.FloatText(number)); break;
            case string text: WriteText(text, to); break;
            case List<object?> list:
                WriteItems('[', ']', list, item => Write(run, item, indent, sortsKeys, level + 1, to), indent, level, to);
                break;
            case TemplateDictionary pairs:
                var ordered = sortsKeys ? pairs.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToList() : pairs.ToList();
                WriteItems('{', '}', ordered, pair =>
                {
                    WriteText(pair.Key, to);
                    to.Append(": ");
                    Write(run, pair.Value, indent, sortsKeys, level + 1, to);
                }, indent, level, to);
                break;
            default:
                throw TemplateValues.Undefined(run, value) ?? run.Error($"Object of type {TemplateValues.TypeName(value)} is not JSON serializable");
        }
        run.Leave();
    }

    private static void WriteItems<T>(char open, char close, List<T> items, Action<T> write, int? indent, int level, StringBuilder to)
    {
        to.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            to.Append(i == 0 ? "" : indent is null ? ", " : ",");
            if (indent is { } blanks)
                to.Append('\n').Append(' ', blanks * level);
            write(items[i]);
        }
        if (indent is { } outer && items.Count > 0)
            to.Append('\n').Append(' ', outer * (level - 1));
        to.Append(close);
    }

    private static void WriteText(string text, StringBuilder to)
    {
        to.Append('"');
        foreach (var c in text)
            _ = c switch
            {
                '"' => to.Append("\\\""),
                '\\' => to.Append(@"\\"),
                '\n' => to.Append(@"\n"),
                '\r' => to.Append(@"\r"),
                '\t' => to.Append(@"\t"),
                '\b' => to.Append(@"\b"),
                '\f' => to.Append(@"\f"),
                < ' ' => to.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => to.Append(c),
            };
        to.Append('"');
    }
}
