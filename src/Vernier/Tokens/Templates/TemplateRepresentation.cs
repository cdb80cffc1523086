using System.Globalization;
using System.Numerics;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>Python's <c>str</c> and <c>repr</c> of values.</summary>
internal static class TemplateRepresentation
{
    /// <summary>What is printed for a value.</summary>
    public static string Text(TemplateRun run, object? value) => TemplateValues.AsText(value) switch
    {
        { } text => text,
        _ when value is TemplateUndefined => "",
        _ => Of(run, value),
    };

    /// <summary>Python's repr of a value.</summary>
    public static string Of(TemplateRun run, object? value)
    {
        var written = new StringBuilder();
        Write(run, value, written, []);
        return written.ToString();
    }

    private static void Write(TemplateRun run, object? value, StringBuilder text, HashSet<object> around)
    {
        run.Enter();
        run.Charge();
        run.CheckSize(text.Length);
        switch (value)
        {
            case null: text.Append("None"); break;
            case bool flag: text.Append(flag ? "True" : "False"); break;
            case long or double or BigInteger: text.Append(TemplateNumbers.Text(run, value)); break;
            case string inner: WriteQuoted(run, inner, text); break;
            case TemplateMarkup markup: WriteQuoted(run, markup.Text, text.Append("Markup(")); text.Append(')'); break;
            case TemplateRange range: text.Append(range.Text); break;
            case List<object?> list: WriteItems(run, "[", list, "]", text, around); break;
            case TemplateTuple tuple: WriteItems(run, "(", tuple, tuple.Count == 1 ? ",)" : ")", text, around); break;
            case TemplateDictionary pairs: WritePairs(run, pairs, text, around); break;
            case TemplateView view: WriteItems(run, view.Kind + "([", view.Items, "])", text, around); break;
            case TemplateNamespace space when !around.Add(space): text.Append("<Namespace {...}>"); break;
            case TemplateNamespace space:
                WritePairs(run, space.Members, text.Append("<Namespace "), around);
                text.Append('>');
                around.Remove(space);
                break;
            case TemplateUndefined: text.Append("Undefined"); break;
            case TemplateFunction function: text.Append(function.Text); break;
            case TemplateLoop loop: text.Append(loop.Text(run)); break;
            case TemplateIterator iterator: text.Append('<').Append(iterator.Kind).Append(" object>"); break;
            default: text.Append('<').Append(TemplateValues.TypeName(value)).Append(" object>"); break;
        }
        run.Leave();
    }

    private static void WriteItems(TemplateRun run, string open, IEnumerable<object?> items, string close, StringBuilder text, HashSet<object> around)
    {
        text.Append(open);
        var isFirst = true;
        foreach (var item in items)
        {
            run.Charge();
            text.Append(isFirst ? "" : ", ");
            isFirst = false;
            Write(run, item, text, around);
        }
        text.Append(close);
    }

    private static void WritePairs(TemplateRun run, TemplateDictionary pairs, StringBuilder text, HashSet<object> around)
    {
        text.Append('{');
        var isFirst = true;
        foreach (var (key, value) in pairs)
        {
            run.Charge();
            text.Append(isFirst ? "" : ", ");
            isFirst = false;
            Write(run, key.Value, text, around);
            text.Append(": ");
            Write(run, value, text, around);
        }
        text.Append('}');
    }

    private static void WriteQuoted(TemplateRun run, string text, StringBuilder to)
    {
        run.Charge(1 + text.Length / 8);
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        to.Append(quote);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var isPair = char.IsSurrogatePair(text, i);
            if (c == '\\' || c == quote)
                to.Append('\\').Append(c);
            else if (c is '\n' or '\r' or '\t')
                to.Append(c switch { '\n' => @"\n", '\r' => @"\r", _ => @"\t" });
            else if (isPair && TemplateText.IsPrintable(char.ConvertToUtf32(text, i)))
                to.Append(text, i, 2);
            else if (!isPair && TemplateText.IsPrintable(c))
                to.Append(c);
            else
                to.Append(Escape(isPair ? char.ConvertToUtf32(text, i) : c));
            i += isPair ? 1 : 0;
        }
        to.Append(quote);
    }

    /// <summary>A code point as an escape: \x1b, \u200b, \U000e0001.</summary>
    public static string Escape(int codePoint) => codePoint switch
    {
        < 0x100 => string.Create(CultureInfo.InvariantCulture, $"\\x{codePoint:x2}"),
        < 0x10000 => string.Create(CultureInfo.InvariantCulture, $"\\u{codePoint:x4}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"\\U{codePoint:x8}"),
    };
}
