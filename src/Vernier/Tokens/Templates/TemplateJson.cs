using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Vernier.Tokens.Templates;

/// <summary>JSON to values of a template as Python's <c>json.loads</c> does it, and back as <c>json.dumps</c> does it.</summary>
internal static class TemplateJson
{
    public static object? ToValue(JsonNode? node)
    {
        if (node is null)
            return null;
        try
        {
            // Written and read again, a node that code made and one from a file are alike, doubled names too.
            using var document = JsonDocument.Parse(node.ToJsonString(), new JsonDocumentOptions { MaxDepth = 1000 });
            return ToValue(document.RootElement);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or JsonException)
        {
            throw new TemplateException($"what the template is given is no valid JSON: {e.Message}", 1, e);
        }
    }

    /// <summary>A node in which each name stands once, the last one, and no text has lone surrogates.</summary>
    public static JsonNode? ToNode(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Null: return null;
            case JsonValueKind.String: return JsonValue.Create(Text(element));
            case JsonValueKind.Array: return new JsonArray([.. element.EnumerateArray().Select(ToNode)]);
            case JsonValueKind.Object:
                var members = new JsonObject();
                foreach (var member in element.EnumerateObject())
                    members[Name(member)] = ToNode(member.Value);
                return members;
            default: return JsonValue.Create(element.Clone());
        }
    }

    public static object? ToValue(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.True: return true;
            case JsonValueKind.False: return false;
            case JsonValueKind.String: return Text(element);
            case JsonValueKind.Number: return ToNumber(element.GetRawText());
            case JsonValueKind.Array: return element.EnumerateArray().Select(ToValue).ToList();
            case JsonValueKind.Object:
                var pairs = new TemplateDictionary();
                foreach (var member in element.EnumerateObject())
                    pairs[Name(member)] = ToValue(member.Value);
                return pairs;
            default: return null;
        }
    }

    /// <summary>The text of a JSON string; a lone surrogate becomes U+FFFD.</summary>
    public static string Text(JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Unescape(element.GetRawText().AsSpan()[1..^1]);
        }
    }

    /// <summary>The name of a member; a lone surrogate becomes U+FFFD.</summary>
    public static string Name(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            var raw = member.ToString().AsSpan()[1..];
            var end = 0;
            while (raw[end] != '"')
                end += raw[end] == '\\' ? 2 : 1;
            return Unescape(raw[..end]);
        }
    }

    private static string Unescape(ReadOnlySpan<char> raw)
    {
        var text = new StringBuilder(raw.Length);
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] != '\\')
            {
                text.Append(raw[i]);
                continue;
            }
            var c = raw[++i];
            text.Append(c switch
            {
                'u' => (char)ushort.Parse(raw.Slice(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\b',
                'f' => '\f',
                _ => c,
            });
            i += c == 'u' ? 4 : 0;
        }
        return TemplateText.WellFormed(text.ToString());
    }

    private static object ToNumber(string text) =>
        text.AsSpan().IndexOfAny(".eE") >= 0 ? (object)double.Parse(text, CultureInfo.InvariantCulture)
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? (object)whole
        : text.Length <= 4301 ? BigInteger.Parse(text, CultureInfo.InvariantCulture)
        : throw new TemplateException("a number of the data has more than 4300 digits", 1);

    /// <summary>The filter <c>tojson</c>, with the arguments that transformers gives it.</summary>
    public static string Write(TemplateRun run, object? value, TemplateBound arguments)
    {
        var indent = arguments.Get(1) switch
        {
            null => null,
            string text => text,
            var blanks when TemplateNumbers.AsClamped(blanks) is { } count => new string(' ', (int)Math.Clamp(count, 0, 1000)),
            var other => throw run.Error($"tojson(): the argument indent is of type {TemplateValues.TypeName(other)}, expected a whole number or a text"),
        };
        var (between, colon) = (indent is null ? ", " : ",", ": ");
        if (arguments.Get(2) is { } separators)
            (between, colon) = TemplateValues.Items(run, separators) is [var first, var second] && TemplateValues.AsText(first) is { } one && TemplateValues.AsText(second) is { } two
                ? (one, two)
                : throw run.Error("tojson(): separators have to be two texts");
        var writer = new Writer(run, arguments.IsTrue(0), indent, between, colon, arguments.IsTrue(3));
        writer.Write(value, 1);
        return writer.Text;
    }

    private sealed class Writer(TemplateRun run, bool isAscii, string? indent, string between, string colon, bool sortsKeys)
    {
        private readonly StringBuilder _text = new();

        public string Text => _text.ToString();

        public void Write(object? value, int level)
        {
            run.Enter();
            run.Charge();
            run.CheckSize(_text.Length);
            switch (value)
            {
                case null: _text.Append("null"); break;
                case bool flag: _text.Append(flag ? "true" : "false"); break;
                case long or BigInteger: _text.Append(TemplateNumbers.Text(run, value)); break;
                case double number: _text.Append(Float(number)); break;
                case string or TemplateMarkup: WriteText(TemplateValues.AsText(value)!); break;
                case List<object?> or TemplateTuple:
                    WriteItems('[', ']', (IReadOnlyList<object?>)value, item => Write(item, level + 1), level);
                    break;
                case TemplateDictionary pairs:
                    WriteItems('{', '}', Ordered(pairs), pair =>
                    {
                        WriteText(Name(pair.Key));
                        _text.Append(colon);
                        Write(pair.Value, level + 1);
                    }, level);
                    break;
                default:
                    throw run.Error($"Object of type {TemplateValues.TypeName(value)} is not JSON serializable");
            }
            run.Leave();
        }

        private List<(object? Key, object? Value)> Ordered(TemplateDictionary pairs)
        {
            run.ChargeItems(pairs.Count);
            if (!sortsKeys)
                return [.. pairs.Select(pair => (pair.Key.Value, pair.Value))];
            var keys = TemplateValues.Sorted(run, [.. pairs.Keys.Select(key => key.Value)], key => key, isReverse: false);
            return [.. keys.Select(key => (key, pairs[TemplateKey.Of(run, key)]))];
        }

        private string Name(object? key) => TemplateValues.AsText(key) ?? key switch
        {
            null => "null",
            bool flag => flag ? "true" : "false",
            double number => Float(number),
            long or BigInteger => TemplateNumbers.Text(run, key),
            _ => throw run.Error($"keys must be str, int, float, bool or None, not {TemplateValues.TypeName(key)}"),
        };

        private static string Float(double number) =>
            double.IsFinite(number) ? TemplateNumbers.FloatText(number) : double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";

        private void WriteItems<T>(char open, char close, IReadOnlyList<T> items, Action<T> write, int level)
        {
            _text.Append(open);
            for (var i = 0; i < items.Count; i++)
            {
                _text.Append(i == 0 ? "" : between);
                NewLine(level);
                write(items[i]);
            }
            if (items.Count > 0)
                NewLine(level - 1);
            _text.Append(close);
        }

        private void NewLine(int level)
        {
            if (indent is null)
                return;
            run.CheckSize(_text.Length + (long)indent.Length * level);
            run.Charge(indent.Length * level / 16);
            _text.Append('\n').Insert(_text.Length, indent, level);
        }

        private void WriteText(string text)
        {
            run.Charge(text.Length / 8);
            run.CheckSize(_text.Length + (long)text.Length);
            _text.Append('"');
            foreach (var c in text)
                _ = c switch
                {
                    '"' => _text.Append("\\\""),
                    '\\' => _text.Append(@"\\"),
                    '\n' => _text.Append(@"\n"),
                    '\r' => _text.Append(@"\r"),
                    '\t' => _text.Append(@"\t"),
                    '\b' => _text.Append(@"\b"),
                    '\f' => _text.Append(@"\f"),
                    < ' ' => _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                    > '\x7f' when isAscii => _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                    _ => _text.Append(c),
                };
            _text.Append('"');
        }
    }
}
