using System.Globalization;
using System.Numerics;

namespace Vernier.Tokens.Templates;

/// <summary>Python's numbers: whole ones without bound (long where it fits, else BigInteger), floats, and booleans that count as 0 and 1.</summary>
internal static class TemplateNumbers
{
    /// <summary>Whole numbers with more bits are refused.</summary>
    private const int MostBits = 1 << 16;

    public static bool IsNumber(object? value) => value is long or double or bool or BigInteger;

    public static object Normal(BigInteger value) => value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;

    public static BigInteger? AsInteger(object? value) => value switch
    {
        long number => number,
        bool flag => flag ? 1 : 0,
        BigInteger number => number,
        _ => null,
    };

    /// <summary>A whole number as a long, the nearest one where it does not fit.</summary>
    public static long? AsClamped(object? value) => value switch
    {
        long number => number,
        bool flag => flag ? 1 : 0,
        BigInteger number => number.Sign > 0 ? long.MaxValue : long.MinValue,
        _ => null,
    };

    public static double ToFloat(TemplateRun run, object? value)
    {
        var number = value switch { double given => given, long given => given, bool given => given ? 1 : 0, _ => (double)(BigInteger)value! };
        return value is BigInteger && double.IsInfinity(number) ? throw run.Error("int too large to convert to float") : number;
    }

    /// <summary>The order of two numbers, exact; null where one is not a number at all.</summary>
    public static int? Compare(object? left, object? right)
    {
        if (left is long a && right is long b)
            return a.CompareTo(b);
        if (left is double x && right is double y)
            return double.IsNaN(x) || double.IsNaN(y) ? null : x.CompareTo(y);
        if (left is double first)
            return -CompareWhole(AsInteger(right)!.Value, first);
        return right is double second ? CompareWhole(AsInteger(left)!.Value, second) : AsInteger(left)!.Value.CompareTo(AsInteger(right)!.Value);
    }

    private static int? CompareWhole(BigInteger left, double right)
    {
        if (double.IsNaN(right))
            return null;
        if (double.IsInfinity(right))
            return right > 0 ? -1 : 1;
        var floor = Math.Floor(right);
        var order = left.CompareTo(new BigInteger(floor));
        return order == 0 && floor != right ? -1 : order;
    }

    public static object Negate(object? value) => value is double number ? -number : Normal(-AsInteger(value)!.Value);

    public static object Calculate(TemplateRun run, string name, object? left, object? right)
    {
        if (left is double || right is double || name == "/")
            return Float(run, name, left, right);
        if (left is long a && right is long b && name is "+" or "-" or "*" && Small(name, a, b) is { } small)
            return small;
        var (first, second) = (AsInteger(left)!.Value, AsInteger(right)!.Value);
        if (name == "**")
            return second.Sign < 0 ? Float(run, name, left, right) : Power(run, first, second);
        var size = (first.GetByteCount() / 16L + 1) * (second.GetByteCount() / 16L + 1);
        run.Charge(size);
        if (first.GetByteCount() + (long)second.GetByteCount() > MostBits / 4)
            throw run.Error($"a whole number of more than {MostBits} bits is not done here");
        return name switch
        {
            "+" => Normal(first + second),
            "-" => Normal(first - second),
            "*" => Normal(first * second),
            _ when second.IsZero => throw run.Error("integer division or modulo by zero"),
            "//" => Normal(Divide(first, second).Quotient),
            _ => Normal(Divide(first, second).Remainder),
        };
    }

    private static object? Small(string name, long left, long right)
    {
        var result = name switch { "+" => (Int128)left + right, "-" => (Int128)left - right, _ => (Int128)left * right };
        return result >= long.MinValue && result <= long.MaxValue ? (long)result : null;
    }

    /// <summary>Division that rounds down; the remainder has the divisor's sign.</summary>
    private static (BigInteger Quotient, BigInteger Remainder) Divide(BigInteger left, BigInteger right)
    {
        var quotient = BigInteger.DivRem(left, right, out var remainder);
        return remainder.IsZero || (remainder.Sign < 0) == (right.Sign < 0) ? (quotient, remainder) : (quotient - 1, remainder + right);
    }

    private static object Power(TemplateRun run, BigInteger value, BigInteger exponent)
    {
        if (value.IsZero || value.IsOne)
            return exponent.IsZero ? 1L : Normal(value);
        if (value == -1)
            return exponent.IsEven ? 1L : -1L;
        var bits = exponent * value.GetBitLength();
        if (bits > MostBits)
            throw run.Error($"a whole number of more than {MostBits} bits is not done here");
        run.Charge(1 + (long)bits * (long)bits / 65536);
        return Normal(BigInteger.Pow(value, (int)exponent));
    }

    private static object Float(TemplateRun run, string name, object? left, object? right)
    {
        var (x, y) = (ToFloat(run, left), ToFloat(run, right));
        switch (name)
        {
            case "+": return x + y;
            case "-": return x - y;
            case "*": return x * y;
            case "**": return FloatPower(run, x, y);
        }
        if (y == 0)
            throw run.Error(left is double || right is double ? $"float {(name == "/" ? "division" : name == "//" ? "floor division" : "modulo")} by zero" : "division by zero");
        if (name == "/")
            return x / y;
        var remainder = x % y;
        var quotient = (x - remainder) / y;
        if (remainder != 0 && (y < 0) != (remainder < 0))
            (remainder, quotient) = (remainder + y, quotient - 1);
        if (name == "%")
            return remainder == 0 ? Math.CopySign(0, y) : remainder;
        if (quotient == 0)
            return Math.CopySign(0, x / y);
        var floor = Math.Floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private static double FloatPower(TemplateRun run, double value, double exponent)
    {
        if (value == 0 && exponent < 0)
            throw run.Error("0.0 cannot be raised to a negative power");
        if (value < 0 && double.IsFinite(value) && double.IsFinite(exponent) && Math.Floor(exponent) != exponent)
            throw run.Error("the result is a complex number, which is not done here");
        if (value == 1 || exponent == 0)
            return 1;
        var power = value == -1 && double.IsInfinity(exponent) ? 1 : Math.Pow(value, exponent);
        return double.IsInfinity(power) && double.IsFinite(value) && double.IsFinite(exponent)
            ? throw run.Error("the result is too large for a float")
            : power;
    }

    /// <summary>What is printed for a number.</summary>
    public static string Text(TemplateRun run, object value)
    {
        if (value is not BigInteger number)
            return value is double real ? FloatText(real) : ((long)value).ToString(CultureInfo.InvariantCulture);
        run.Charge((long)number.GetByteCount() * number.GetByteCount() / 64);
        var text = number.ToString(CultureInfo.InvariantCulture);
        return text.Length <= 4300 ? text : throw run.Error("Exceeds the limit (4300 digits) for integer string conversion");
    }

    /// <summary>Python's shortest spelling of a float: 1.0, 0.1, 1e-05, 1e+16.</summary>
    public static string FloatText(double value)
    {
        if (!double.IsFinite(value))
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        var (digits, exponent) = Shortest(value);
        var sign = double.IsNegative(value) ? "-" : "";
        if (exponent is < -4 or >= 16)
            return string.Create(CultureInfo.InvariantCulture,
                $"{sign}{digits[..1]}{(digits.Length > 1 ? "." : "")}{digits[1..]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        if (exponent < 0)
            return sign + "0." + new string('0', -exponent - 1) + digits;
        digits = digits.PadRight(exponent + 2, '0');
        return $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    /// <summary>The fewest digits that read back as the same float, and the power of ten of the first.</summary>
    private static (string Digits, int Exponent) Shortest(double value)
    {
        var text = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        var e = text.IndexOf('E');
        var exponent = e < 0 ? 0 : int.Parse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = e < 0 ? text : text[..e];
        var point = mantissa.IndexOf('.');
        exponent += (point < 0 ? mantissa.Length : point) - 1;
        var digits = mantissa.Replace(".", "");
        var zeros = digits.Length - digits.AsSpan().TrimStart('0').Length;
        if (zeros == digits.Length)
            return ("0", 0);
        digits = digits[zeros..].TrimEnd('0');
        return (digits, exponent - zeros);
    }

    /// <summary>|value| times a power of ten, exactly rounded to a whole number, ties to even.</summary>
    public static BigInteger Scaled(double value, int power)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        BigInteger top = bits & 0xFFFFFFFFFFFFF;
        if (exponent > 0)
            top += 1L << 52;
        exponent = Math.Max(exponent, 1) - 1075;
        var bottom = BigInteger.One;
        (top, bottom) = exponent > 0 ? (top << exponent, bottom) : (top, bottom << -exponent);
        (top, bottom) = power > 0 ? (top * BigInteger.Pow(10, power), bottom) : (top, bottom * BigInteger.Pow(10, -power));
        var whole = BigInteger.DivRem(top, bottom, out var rest);
        var order = (2 * rest).CompareTo(bottom);
        return order > 0 || (order == 0 && !whole.IsEven) ? whole + 1 : whole;
    }

    /// <summary>Python's <c>round</c>: ties to even, floats by their exact value.</summary>
    public static object Round(TemplateRun run, object? value, long places)
    {
        run.Charge(20 + (long)Math.Min(5000, Math.Abs((double)places)) / 4);
        if (value is double number)
        {
            if (!double.IsFinite(number) || places > 323 || number == 0)
                return number;
            if (places < -308)
                return Math.CopySign(0, number);
            var rounded = double.Parse(string.Create(CultureInfo.InvariantCulture, $"{Scaled(number, (int)places)}E{-places}"), CultureInfo.InvariantCulture);
            return double.IsFinite(rounded) ? Math.CopySign(rounded, number) : throw run.Error("rounded value too large to represent");
        }
        var whole = AsInteger(value)!.Value;
        if (places >= 0)
            return Normal(whole);
        if (places < -5000)
            return 0L;
        var unit = BigInteger.Pow(10, (int)-places);
        var (quotient, remainder) = Divide(whole, unit);
        var order = (2 * remainder).CompareTo(unit);
        return Normal((order > 0 || (order == 0 && !quotient.IsEven) ? quotient + 1 : quotient) * unit);
    }

    /// <summary>Python's <c>int(text, base)</c>, or null where the text is no number.</summary>
    public static object? Parse(string text, long numberBase)
    {
        var rest = TemplateText.Strip(text, null, left: true, right: true).AsSpan();
        var isNegative = rest.StartsWith("-");
        if (isNegative || rest.StartsWith("+"))
            rest = rest[1..];
        if (rest.Length > 2 && rest[0] == '0' && "bBoOxX".IndexOf(rest[1]) is >= 0 and var prefix
            && (numberBase == 0 || numberBase == (prefix < 2 ? 2 : prefix < 4 ? 8 : 16)))
        {
            numberBase = prefix < 2 ? 2 : prefix < 4 ? 8 : 16;
            rest = rest[2] == '_' ? rest[3..] : rest[2..];
        }
        else if (numberBase == 0)
        {
            numberBase = rest.Length > 1 && rest[0] == '0' && rest.Trim("0_").Length > 0 ? 0 : 10;
        }
        if (numberBase is < 2 or > 36 || rest.Length is 0 or > 4300 || rest[^1] == '_' || rest[0] == '_')
            return null;
        BigInteger value = 0;
        for (var i = 0; i < rest.Length; i++)
        {
            if (rest[i] == '_' && rest[i - 1] != '_')
                continue;
            var digit = char.IsAsciiLetter(rest[i]) ? (rest[i] | 32) - 'a' + 10 : CharUnicodeInfo.GetDecimalDigitValue(rest[i]);
            if (digit < 0 || digit >= numberBase)
                return null;
            value = value * numberBase + digit;
        }
        return Normal(isNegative ? -value : value);
    }

    /// <summary>Python's <c>float(text)</c>, or null where the text is no number.</summary>
    public static double? ParseFloat(string text)
    {
        var rest = TemplateText.Strip(text, null, left: true, right: true);
        for (var i = 0; i < rest.Length; i++)
            if (rest[i] == '_' && !(i > 0 && i + 1 < rest.Length && char.IsAsciiDigit(rest[i - 1]) && char.IsAsciiDigit(rest[i + 1])))
                return null;
        rest = string.Concat(rest.Replace("_", "").Select(c => CharUnicodeInfo.GetDecimalDigitValue(c) is >= 0 and var digit ? (char)('0' + digit) : c));
        var bare = rest.TrimStart('+', '-').ToLowerInvariant();
        if (bare is "inf" or "infinity" or "nan" && rest.Length - bare.Length <= 1)
            return bare == "nan" ? double.NaN : rest[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
        const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return rest.Length > 0 && rest.All(c => char.IsAsciiDigit(c) || "+-.eE".Contains(c)) && double.TryParse(rest, Styles, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;
    }
}
