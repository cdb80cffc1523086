using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>Python's <c>pprint.pformat</c>: values over lines of at most 80 characters, keys in order.</summary>
internal static class TemplatePretty
{
    private const int Width = 80;

    public static string Print(TemplateRun run, object? value)
    {
        var text = new StringBuilder();
        Write(run, Ordered(run, value), text, indent: 0, allowance: 0, level: 0);
        return text.ToString();
    }

    private static object? Ordered(TemplateRun run, object? value)
    {
        run.Enter();
        run.Charge();
        var ordered = value switch
        {
            List<object?> list => list.ConvertAll(item => Ordered(run, item)),
            TemplateTuple tuple => new TemplateTuple([.. tuple.Select(item => Ordered(run, item))]),
            TemplateDictionary pairs => OrderedPairs(run, pairs),
            _ => value,
        };
        run.Leave();
        return ordered;
    }

    private static TemplateDictionary OrderedPairs(TemplateRun run, TemplateDictionary pairs)
    {
        var keys = pairs.Keys.Select(key => key.Value).ToList();
        // Keys that have no order stand by the names of their types.
        var isMixed = keys.Exists(key => TemplateValues.AsText(key) is null) && !keys.TrueForAll(TemplateNumbers.IsNumber);
        var ordered = new TemplateDictionary();
        foreach (var key in TemplateValues.Sorted(run, keys, key => isMixed ? TemplateValues.TypeName(key) : key, isReverse: false))
            ordered[TemplateKey.Of(run, key)] = Ordered(run, pairs[TemplateKey.Of(run, key)]);
        return ordered;
    }

    private static void Write(TemplateRun run, object? value, StringBuilder text, int indent, int allowance, int level)
    {
        run.Enter();
        run.CheckSize(text.Length);
        var whole = TemplateRepresentation.Of(run, value);
        if (TemplateText.Count(whole) <= Width - indent - allowance)
            text.Append(whole);
        else if (value is TemplateDictionary { Count: > 0 } pairs)
            WritePairs(run, pairs, text, indent + 1, allowance + 1, level + 1);
        else if (value is List<object?> { Count: > 0 } list)
            WriteItems(run, list, text.Append('['), indent + 1, allowance + 1, level + 1).Append(']');
        else if (value is TemplateTuple { Count: > 0 } tuple)
            WriteItems(run, tuple, text.Append('('), indent + 1, allowance + (tuple.Count == 1 ? 2 : 1), level + 1).Append(tuple.Count == 1 ? ",)" : ")");
        else if (value is string { Length: > 0 } words)
            WriteText(run, words, text, indent, allowance, level + 1);
        else
            text.Append(whole);
        run.Leave();
    }

    private static void WritePairs(TemplateRun run, TemplateDictionary pairs, StringBuilder text, int indent, int allowance, int level)
    {
        text.Append('{');
        var at = 0;
        foreach (var (key, value) in pairs)
        {
            var name = TemplateRepresentation.Of(run, key.Value);
            NewLine(run, text, at, indent);
            text.Append(name).Append(": ");
            Write(run, value, text, indent + TemplateText.Count(name) + 2, ++at == pairs.Count ? allowance : 1, level);
        }
        text.Append('}');
    }

    private static StringBuilder WriteItems(TemplateRun run, IReadOnlyList<object?> items, StringBuilder text, int indent, int allowance, int level)
    {
        for (var i = 0; i < items.Count; i++)
        {
            NewLine(run, text, i, indent);
            Write(run, items[i], text, indent, i == items.Count - 1 ? allowance : 1, level);
        }
        return text;
    }

    private static void NewLine(TemplateRun run, StringBuilder text, int at, int indent)
    {
        run.ChargeSize(indent);
        if (at > 0)
            text.Append(",\n").Append(' ', indent);
    }

    private static void WriteText(TemplateRun run, string words, StringBuilder text, int indent, int allowance, int level)
    {
        if (level == 1)
            (indent, allowance) = (indent + 1, allowance + 1);
        var lines = TemplateText.Lines(run, words, keepsEnds: true);
        var chunks = new List<string>();
        for (var i = 0; i < lines.Count; i++)
        {
            var isLast = i == lines.Count - 1;
            var whole = TemplateRepresentation.Of(run, lines[i]);
            if (TemplateText.Count(whole) <= Width - indent - (isLast ? allowance : 0))
                chunks.Add(whole);
            else
                AddParts(run, lines[i], isLast ? allowance : 0, Width - indent, chunks);
        }
        var isBracketed = level == 1 && chunks.Count > 1;
        text.Append(isBracketed ? "(" : "");
        for (var i = 0; i < chunks.Count; i++)
        {
            run.ChargeSize(indent);
            text.Append(i > 0 ? "\n" : "").Append(' ', i > 0 ? indent : 0).Append(chunks[i]);
        }
        text.Append(isBracketed ? ")" : "");
    }

    /// <summary>Words with the white space after them, as many on a line as fit.</summary>
    private static void AddParts(TemplateRun run, string line, int allowance, int width, List<string> chunks)
    {
        var current = "";
        for (var at = 0; at < line.Length;)
        {
            var end = at;
            while (end < line.Length && !TemplateText.IsSpace(line[end]))
                end++;
            while (end < line.Length && TemplateText.IsSpace(line[end]))
                end++;
            var candidate = current + line[at..end];
            if (TemplateText.Count(TemplateRepresentation.Of(run, candidate)) > width - (end == line.Length ? allowance : 0))
            {
                if (current.Length > 0)
                    chunks.Add(TemplateRepresentation.Of(run, current));
                candidate = line[at..end];
            }
            current = candidate;
            at = end;
        }
        if (current.Length > 0)
            chunks.Add(TemplateRepresentation.Of(run, current));
    }
}
