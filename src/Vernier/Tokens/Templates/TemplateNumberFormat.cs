using System.Globalization;
using System.Numerics;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>How a number or text is laid out: Python's <c>[[fill]align][sign][#][0][width][,][.precision][type]</c>.</summary>
internal sealed record TemplateNumberFormat
{
    /// <summary>Digits after the point, at most.</summary>
    private const int MostDigits = 1000;

    public string? Fill { get; init; }

    /// <summary>&lt;, &gt;, ^ or =; '\0' where none is given.</summary>
    public char Align { get; init; }

    public char Sign { get; init; } = '-';

    public bool IsAlternate { get; init; }

    public int Width { get; init; }

    /// <summary>, or _ between groups of digits; '\0' for none.</summary>
    public char Grouping { get; init; }

    public int? Precision { get; init; }

    /// <summary>'\0' where none is given.</summary>
    public char Type { get; init; }

    /// <summary>Reads a specification of <c>format</c>.</summary>
    public static TemplateNumberFormat Parse(TemplateRun run, string text)
    {
        var at = 0;
        char Next(string any) => at < text.Length && any.Contains(text[at]) ? text[at++] : '\0';
        var fillLength = text.Length > 0 && char.IsSurrogatePair(text, 0) ? 2 : 1;
        string? fill = null;
        var align = '\0';
        if (text.Length > fillLength && "<>=^".Contains(text[fillLength]))
            (fill, align, at) = (text[..fillLength], text[fillLength], fillLength + 1);
        else
            align = Next("<>=^");
        var sign = Next("+- ");
        if (Next("z") != '\0')
            throw run.Error("the option z of a format is not done here");
        var isAlternate = Next("#") != '\0';
        if (Next("0") != '\0' && fill is null)
            (fill, align) = ("0", align == '\0' ? '=' : align);
        var width = Number(run, text, ref at) ?? 0;
        var grouping = Next(",_");
        var precision = Next(".") == '\0' ? (int?)null : Number(run, text, ref at) ?? throw run.Error("Format specifier missing precision");
        var type = at < text.Length ? text[at++] : '\0';
        if (at < text.Length)
            throw run.Error($"Invalid format specifier '{text}'");
        run.ChargeSize(width);
        return new() { Fill = fill, Align = align, Sign = sign, IsAlternate = isAlternate, Width = width, Grouping = grouping, Precision = precision, Type = type };
    }

    private static int? Number(TemplateRun run, string text, ref int at)
    {
        var start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        return start == at ? null : int.TryParse(text.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw run.Error("Too many decimal digits in format string");
    }

    /// <summary>Lays out a text.</summary>
    public string Text(TemplateRun run, string text)
    {
        if (Type is not ('\0' or 's'))
            throw run.Error($"Unknown format code '{Type}' for object of type 'str'");
        if (Sign is '+' or ' ' || Grouping != '\0' || IsAlternate || Align == '=' && Fill != "0")
            throw run.Error("a text takes no sign, grouping or alignment of numbers in its format");
        if (Precision is { } most)
            text = text[..TemplateText.ToIndex(text, most)];
        return TemplateText.Pad(run, text, Width, Fill ?? " ", Align is '\0' or '=' ? '<' : Align);
    }

    /// <summary>Lays out a whole number in the base of the type.</summary>
    public string Integer(TemplateRun run, BigInteger value)
    {
        if (Precision is not null)
            throw run.Error("Precision not allowed in integer format specifier");
        if (Type == 'c')
            return value >= 0 && value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF)
                ? TemplateText.Pad(run, char.ConvertFromUtf32((int)value), Width, Fill ?? " ", Align is '\0' ? '<' : Align)
                : throw run.Error("%c arg not in range(0x110000)");
        var digits = Digits(run, BigInteger.Abs(value), Type);
        var prefix = IsAlternate ? Type switch { 'x' => "0x", 'X' => "0X", 'o' => "0o", 'b' => "0b", _ => "" } : "";
        return Place(run, value.Sign < 0, prefix, digits, "", Type is 'x' or 'X' or 'o' or 'b' ? 4 : 3);
    }

    public static string Digits(TemplateRun run, BigInteger value, char type)
    {
        if (type is '\0' or 'd' or 'n')
            return TemplateNumbers.Text(run, TemplateNumbers.Normal(value));
        run.Charge((long)value.GetByteCount());
        var text = type == 'o' ? Octal(value) : value.ToString(type == 'b' ? "B" : type == 'x' ? "x" : "X", CultureInfo.InvariantCulture);
        return text.TrimStart('0') is { Length: > 0 } digits ? digits : "0";
    }

    private static string Octal(BigInteger value)
    {
        var bits = value.ToString("B", CultureInfo.InvariantCulture);
        bits = bits.PadLeft((bits.Length + 2) / 3 * 3, '0');
        return string.Concat(Enumerable.Range(0, bits.Length / 3).Select(i => (char)('0' + ((bits[3 * i] - '0') * 4) + ((bits[3 * i + 1] - '0') * 2) + (bits[3 * i + 2] - '0'))));
    }

    /// <summary>Lays out a float.</summary>
    public string Float(TemplateRun run, double value)
    {
        var isPercent = Type == '%';
        var text = Body(run, isPercent ? Math.Abs(value) * 100 : Math.Abs(value), isPercent ? 'f' : Type, Precision, IsAlternate) + (isPercent ? "%" : "");
        var point = text.IndexOfAny(['.', 'e', 'E', '%', 'n', 'i', 'N', 'I']);
        return point < 0
            ? Place(run, double.IsNegative(value) && !double.IsNaN(value), "", text, "", 3)
            : Place(run, double.IsNegative(value) && !double.IsNaN(value), "", text[..point], text[point..], 3);
    }

    /// <summary>The digits of a float that is not negative, by a type of e, f, g or none.</summary>
    public static string Body(TemplateRun run, double value, char type, int? precision, bool isAlternate)
    {
        if (!double.IsFinite(value))
            return char.IsAsciiLetterUpper(type) ? TemplateNumbers.FloatText(value).ToUpperInvariant() : TemplateNumbers.FloatText(value);
        if (precision > MostDigits)
            throw run.Error($"more than {MostDigits} digits of a float are not done here");
        run.Charge(10 + (precision ?? 0));
        if (type == '\0' && precision is null)
            return TemplateNumbers.FloatText(value);
        return char.ToLowerInvariant(type) switch
        {
            'f' => Fixed(value, precision ?? 6, isAlternate),
            'e' => Scientific(value, precision ?? 6, type, isAlternate),
            'g' or 'n' or '\0' => General(value, Math.Max(1, precision ?? 6), type, isAlternate),
            _ => throw run.Error($"Unknown format code '{type}' for object of type 'float'"),
        };
    }

    private static string Fixed(double value, int precision, bool isAlternate)
    {
        var digits = TemplateNumbers.Scaled(value, precision).ToString(CultureInfo.InvariantCulture).PadLeft(precision + 1, '0');
        return precision == 0 ? digits + (isAlternate ? "." : "") : $"{digits[..^precision]}.{digits[^precision..]}";
    }

    private static string Scientific(double value, int precision, char type, bool isAlternate)
    {
        var (digits, exponent) = Rounded(value, precision);
        var e = char.IsAsciiLetterUpper(type) ? 'E' : 'e';
        return string.Create(CultureInfo.InvariantCulture,
            $"{digits[..1]}{(precision > 0 || isAlternate ? "." : "")}{digits[1..]}{e}{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
    }

    /// <summary>One digit and as many more as asked, and the power of ten of the first.</summary>
    private static (string Digits, int Exponent) Rounded(double value, int more)
    {
        if (value == 0)
            return (new string('0', more + 1), 0);
        for (var exponent = (int)Math.Floor(Math.Log10(value)) - 1; ; exponent++)
        {
            var digits = TemplateNumbers.Scaled(value, more - exponent).ToString(CultureInfo.InvariantCulture);
            if (digits.Length <= more + 1)
                return (digits, exponent);
        }
    }

    private static string General(double value, int precision, char type, bool isAlternate)
    {
        var (digits, exponent) = Rounded(value, precision - 1);
        // Without a type, a float keeps one digit after the point.
        var isScientific = exponent < -4 || exponent >= (type == '\0' ? precision - 1 : precision);
        var text = isScientific
            ? digits.Length > 1 ? $"{digits[..1]}.{digits[1..]}" : digits
            : exponent < 0 ? "0." + new string('0', -exponent - 1) + digits
            : exponent + 1 < digits.Length ? $"{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}" : digits.PadRight(exponent + 1, '0');
        if (!isAlternate && text.Contains('.'))
            text = text.TrimEnd('0').TrimEnd('.');
        if (!isScientific)
            return type == '\0' && !text.Contains('.') ? text + ".0" : text;
        var e = char.IsAsciiLetterUpper(type) ? 'E' : 'e';
        return string.Create(CultureInfo.InvariantCulture, $"{text}{e}{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
    }

    private string Place(TemplateRun run, bool isNegative, string prefix, string digits, string rest, int group)
    {
        var sign = isNegative ? "-" : Sign is '+' or ' ' ? Sign.ToString() : "";
        var align = Align == '\0' ? '>' : Align;
        var room = Width - sign.Length - prefix.Length - rest.Length;
        if (Grouping != '\0')
        {
            digits = Grouped(digits, group);
            while (align == '=' && Fill == "0" && digits.Length < room)
                digits = Grouped("0" + digits.Replace(Grouping.ToString(), ""), group) is var longer && longer.Length <= room ? longer : digits.PadLeft(room, '0');
        }
        if (align == '=')
            return sign + prefix + TemplateText.Pad(run, digits, room, Fill ?? " ", '>') + rest;
        return TemplateText.Pad(run, sign + prefix + digits + rest, Width, Fill ?? " ", align);
    }

    private string Grouped(string digits, int group)
    {
        var grouped = new StringBuilder();
        for (var i = 0; i < digits.Length; i++)
        {
            if (i > 0 && (digits.Length - i) % group == 0)
                grouped.Append(Grouping);
            grouped.Append(digits[i]);
        }
        return grouped.ToString();
    }
}
