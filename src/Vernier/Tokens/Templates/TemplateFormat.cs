using System.Globalization;
using System.Numerics;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>Python's <c>"%s" % value</c> and <c>"{}".format(value)</c>.</summary>
internal static class TemplateFormat
{
    /// <summary><c>text % value</c>.</summary>
    public static object Percent(TemplateRun run, object owner, object? value)
    {
        var source = TemplateValues.AsText(owner)!;
        var escapes = owner is TemplateMarkup;
        var values = value is TemplateTuple tuple ? (IReadOnlyList<object?>)tuple : [value];
        var used = 0;
        var text = new StringBuilder();
        for (var at = 0; at < source.Length;)
        {
            if (source[at] != '%')
            {
                var end = source.IndexOf('%', at) is >= 0 and var next ? next : source.Length;
                text.Append(source, at, end - at);
                at = end;
                continue;
            }
            run.Charge();
            at++;
            if (at < source.Length && source[at] == '%')
            {
                text.Append('%');
                at++;
                continue;
            }
            object? Next() => used < values.Count ? values[used++] : throw run.Error("not enough arguments for format string");
            var hasKey = TryKey(run, source, ref at, value, out var keyed);
            var format = Directive(run, source, ref at, Next);
            text.Append(Convert(run, format, hasKey ? keyed : Next(), escapes));
            run.CheckSize(text.Length);
        }
        if (used < values.Count && value is not (TemplateDictionary or List<object?> or TemplateRange or TemplateUndefined))
            throw run.Error("not all arguments converted during string formatting");
        run.ChargeSize(text.Length);
        return escapes ? new TemplateMarkup(text.ToString()) : text.ToString();
    }

    private static bool TryKey(TemplateRun run, string source, ref int at, object? value, out object? keyed)
    {
        keyed = null;
        if (at >= source.Length || source[at] != '(')
            return false;
        var end = at + 1;
        for (var depth = 1; end < source.Length; end++)
            if (source[end] == '(')
                depth++;
            else if (source[end] == ')' && --depth == 0)
                break;
        if (value is not TemplateDictionary pairs)
            throw run.Error("format requires a mapping");
        if (end >= source.Length)
            throw run.Error("incomplete format key");
        var key = source[(at + 1)..end];
        at = end + 1;
        return pairs.TryGetValue(key, out keyed) ? true : throw run.Error($"KeyError: '{key}'");
    }

    private static TemplateNumberFormat Directive(TemplateRun run, string source, ref int at, Func<object?> next)
    {
        var flags = at;
        while (at < source.Length && "#0- +".Contains(source[at]))
            at++;
        var given = source[flags..at];
        var width = Size(run, source, ref at, next) ?? 0;
        int? precision = null;
        if (at < source.Length && source[at] == '.')
        {
            at++;
            precision = Math.Max(0, Size(run, source, ref at, next) ?? 0);
        }
        if (at < source.Length && source[at] is 'h' or 'l' or 'L')
            at++;
        if (at >= source.Length)
            throw run.Error("incomplete format");
        run.ChargeSize(Math.Abs((long)width));
        var isLeft = given.Contains('-') || width < 0;
        return new()
        {
            Width = Math.Abs(width),
            Precision = precision,
            Type = source[at++],
            IsAlternate = given.Contains('#'),
            Sign = given.Contains('+') ? '+' : given.Contains(' ') ? ' ' : '-',
            Align = isLeft ? '<' : given.Contains('0') ? '=' : '>',
            Fill = given.Contains('0') && !isLeft ? "0" : " ",
        };
    }

    private static int? Size(TemplateRun run, string source, ref int at, Func<object?> next)
    {
        if (at < source.Length && source[at] == '*')
        {
            at++;
            return TemplateNumbers.AsClamped(next()) is { } size ? (int)Math.Clamp(size, -int.MaxValue, int.MaxValue) : throw run.Error("* wants int");
        }
        var start = at;
        while (at < source.Length && char.IsAsciiDigit(source[at]))
            at++;
        return at == start ? null
            : int.TryParse(source.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw run.Error("width too big");
    }

    private static string Convert(TemplateRun run, TemplateNumberFormat format, object? value, bool escapes)
    {
        if (format.Type is 's' or 'r' or 'a')
        {
            var text = format.Type == 's' ? TemplateRepresentation.Text(run, value) : Represent(run, value, format.Type);
            if (escapes && !(format.Type == 's' && value is TemplateMarkup))
                text = TemplateText.EscapeHtml(run, text);
            return (format with { Type = 's', Sign = '-', IsAlternate = false, Fill = " ", Align = format.Align == '=' ? '>' : format.Align }).Text(run, text);
        }
        if (format.Type == 'c')
        {
            var character = TemplateValues.AsText(value) is { } given && TemplateText.Count(given) == 1 ? given
                : TemplateNumbers.AsInteger(value) is { } code ? new TemplateNumberFormat { Type = 'c' }.Integer(run, code)
                : throw run.Error("%c requires int or char");
            return TemplateText.Pad(run, character, format.Width, " ", format.Align == '<' ? '<' : '>');
        }
        if (!TemplateNumbers.IsNumber(value))
            throw TemplateValues.Wrong(run, value, $"%{format.Type} format: a real number is required, not {TemplateValues.TypeName(value)}");
        return format.Type switch
        {
            'd' or 'i' or 'u' => Whole(run, format, value is double number ? Truncated(run, number) : TemplateNumbers.AsInteger(value)!.Value, '\0'),
            'x' or 'X' or 'o' => Whole(run, format, TemplateNumbers.AsInteger(value) ?? throw run.Error($"%{format.Type} format: an integer is required, not float"), format.Type),
            'e' or 'E' or 'f' or 'F' or 'g' or 'G' => (format with { Precision = format.Precision ?? 6 }).Float(run, TemplateNumbers.ToFloat(run, value)),
            _ => throw run.Error($"unsupported format character '{format.Type}'"),
        };
    }

    private static string Whole(TemplateRun run, TemplateNumberFormat format, BigInteger value, char type)
    {
        var digits = TemplateNumberFormat.Digits(run, BigInteger.Abs(value), type);
        run.CheckSize(format.Precision ?? 0);
        digits = digits.PadLeft(format.Precision ?? 0, '0');
        var sign = (value.Sign < 0 ? "-" : format.Sign is '+' or ' ' ? format.Sign.ToString() : "")
            + (format.IsAlternate ? type switch { 'x' => "0x", 'X' => "0X", 'o' => "0o", _ => "" } : "");
        return format.Align == '='
            ? sign + TemplateText.Pad(run, digits, format.Width - sign.Length, "0", '>')
            : TemplateText.Pad(run, sign + digits, format.Width, " ", format.Align);
    }

    public static BigInteger Truncated(TemplateRun run, double value) => double.IsFinite(value)
        ? new BigInteger(Math.Truncate(value))
        : throw run.Error($"cannot convert float {(double.IsNaN(value) ? "NaN" : "infinity")} to integer");

    private static string Represent(TemplateRun run, object? value, char conversion)
    {
        var text = TemplateRepresentation.Of(run, value);
        return conversion == 'r' || Ascii.IsValid(text)
            ? text
            : string.Concat(TemplateText.Characters(text).Select(c => c[0] < 128 ? c : TemplateRepresentation.Escape(c.Length == 2 ? char.ConvertToUtf32(c, 0) : c[0])));
    }

    /// <summary><c>text.format(...)</c> and <c>text.format_map(mapping)</c>.</summary>
    public static object Method(TemplateRun run, object owner, string name, TemplateArguments arguments)
    {
        if (name == "format_map")
        {
            if (arguments.Named.Count > 0 || arguments.Placed is not [TemplateDictionary mapping])
                throw run.Error("format_map() takes exactly one argument, a mapping");
            arguments = new([], mapping.Where(pair => pair.Key.Value is string).ToDictionary(pair => (string)pair.Key.Value!, pair => pair.Value));
        }
        var fields = new TemplateFields(run, arguments, owner is TemplateMarkup);
        var text = fields.Format(TemplateValues.AsText(owner)!, 2);
        return owner is TemplateMarkup ? new TemplateMarkup(text) : text;
    }

    /// <summary>The fields of one call of <c>format</c>.</summary>
    private sealed class TemplateFields(TemplateRun run, TemplateArguments arguments, bool escapes)
    {
        private int _next;
        private bool _isNumbered;

        public string Format(string source, int depth)
        {
            if (depth == 0)
                throw run.Error("Max string recursion exceeded");
            var text = new StringBuilder();
            for (var at = 0; at < source.Length;)
            {
                var c = source[at++];
                if (c is not ('{' or '}'))
                    text.Append(c);
                else if (at < source.Length && source[at] == c)
                    text.Append(source[at++]);
                else if (c == '}')
                    throw run.Error("Single '}' encountered in format string");
                else
                    text.Append(Field(source, ref at, depth));
                run.CheckSize(text.Length);
            }
            run.ChargeSize(text.Length);
            return text.ToString();
        }

        private string Field(string source, ref int at, int depth)
        {
            run.Charge();
            var start = at;
            var brackets = 0;
            while (at < source.Length && (brackets > 0 || source[at] is not ('!' or ':' or '}')))
            {
                if (source[at] == '{' && brackets == 0)
                    throw run.Error("unexpected '{' in field name");
                brackets += source[at] == '[' ? 1 : source[at] == ']' ? -1 : 0;
                at++;
            }
            var name = source[start..at];
            var conversion = '\0';
            if (at + 1 < source.Length && source[at] == '!')
            {
                conversion = source[at + 1];
                at += 2;
            }
            var specification = "";
            if (at < source.Length && source[at] == ':')
            {
                var from = ++at;
                for (var open = 1; at < source.Length && (source[at] != '}' || --open > 0); at++)
                    open += source[at] == '{' ? 1 : 0;
                specification = source[from..at];
            }
            if (at >= source.Length || source[at] != '}')
                throw run.Error("expected '}' before end of string");
            at++;
            var value = Converted(Value(name), conversion);
            var text = Apply(run, value, specification.Contains('{') ? Format(specification, depth - 1) : specification);
            return escapes && value is not TemplateMarkup ? TemplateText.EscapeHtml(run, text) : text;
        }

        private object? Converted(object? value, char conversion) => conversion switch
        {
            '\0' => value,
            's' => TemplateRepresentation.Text(run, value),
            'r' or 'a' => Represent(run, value, conversion),
            _ => throw run.Error($"Unknown conversion specifier {conversion}"),
        };

        private object? Value(string name)
        {
            var end = name.IndexOfAny(['.', '[']) is >= 0 and var found ? found : name.Length;
            var value = First(name[..end]);
            for (var at = end; at < name.Length;)
            {
                if (name[at] == '.')
                {
                    end = name.IndexOfAny(['.', '['], at + 1) is >= 0 and var next ? next : name.Length;
                    value = TemplateMembers.Attribute(run, value, NotEmpty(name[(at + 1)..end]));
                    at = end;
                    continue;
                }
                end = name.IndexOf(']', at);
                if (end < 0 || name[at] != '[')
                    throw run.Error(name[at] == '[' ? "Missing ']' in format string" : "Only '.' or '[' may follow ']' in format field specifier");
                var key = NotEmpty(name[(at + 1)..end]);
                value = TemplateMembers.Item(run, value, long.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var place) ? place : key);
                at = end + 1;
            }
            return value;
        }

        private string NotEmpty(string name) => name.Length > 0 ? name : throw run.Error("Empty attribute in format string");

        private object? First(string name)
        {
            if (name.Length > 0 && !name.All(char.IsAsciiDigit))
                return arguments.Named.TryGetValue(name, out var value) ? value : throw run.Error($"KeyError: '{name}'");
            if (name.Length == 0 ? _isNumbered : _next > 0)
                throw run.Error("cannot switch between manual field specification and automatic field numbering");
            _isNumbered |= name.Length > 0;
            var place = name.Length == 0 ? _next++ : int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : int.MaxValue;
            return place < arguments.Placed.Count ? arguments.Placed[place] : throw run.Error($"Replacement index {place} out of range for positional args tuple");
        }
    }

    /// <summary>Python's <c>format(value, specification)</c>.</summary>
    private static string Apply(TemplateRun run, object? value, string specification)
    {
        if (specification.Length == 0)
            return TemplateRepresentation.Text(run, value);
        if (value is TemplateMarkup)
            throw run.Error("Unsupported format specification for Markup.");
        var text = TemplateValues.AsText(value);
        if (text is null && !TemplateNumbers.IsNumber(value))
            throw run.Error($"unsupported format string passed to {TemplateValues.TypeName(value)}.__format__");
        var format = TemplateNumberFormat.Parse(run, specification);
        if (text is not null)
            return format.Text(run, text);
        if (value is double or null || format.Type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%')
            return format.Float(run, TemplateNumbers.ToFloat(run, value));
        return format.Type is '\0' or 'd' or 'n' or 'b' or 'o' or 'x' or 'X' or 'c'
            ? format.Integer(run, TemplateNumbers.AsInteger(value)!.Value)
            : throw run.Error($"Unknown format code '{format.Type}' for object of type 'int'");
    }
}
