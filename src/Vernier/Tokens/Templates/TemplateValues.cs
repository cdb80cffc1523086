using System.Collections;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>A name or member that does not exist: prints nothing, is false, and may not be used further.</summary>
/// <param name="Why">What to say when it is used.</param>
internal sealed record TemplateUndefined(string Why);

/// <summary>An object of <c>key: value</c>, in order.</summary>
internal sealed class TemplateDictionary : OrderedDictionary<string, object?>
{
    public TemplateDictionary()
        : base(StringComparer.Ordinal)
    {
    }
}

/// <summary>What <c>namespace()</c> makes: members that can be set from an inner scope.</summary>
internal sealed class TemplateNamespace
{
    public TemplateDictionary Members { get; } = [];
}

/// <summary>Something that can be called, with the arguments by place and by name.</summary>
internal sealed record TemplateFunction(string Name, Func<TemplateRun, TemplateArguments, object?> Call);

/// <summary>Python's rules for the values of a template: null, bool, long, double, string, list, dictionary.</summary>
internal static class TemplateValues
{
    public static bool IsTrue(object? value) => value switch
    {
        null or TemplateUndefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        ICollection list => list.Count > 0,
        _ => true,
    };

    public static string TypeName(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        long => "int",
        double => "float",
        string => "str",
        List<object?> => "list",
        TemplateDictionary => "dict",
        TemplateUndefined => "Undefined",
        TemplateNamespace => "Namespace",
        _ => "function",
    };

    public static new bool Equals(object? left, object? right) => (left, right) switch
    {
        (null, null) => true,
        (TemplateUndefined, TemplateUndefined) => true,
        (string a, string b) => a == b,
        (bool or long or double, bool or long or double) => Compare(left, right) == 0,
        (List<object?> a, List<object?> b) => a.Count == b.Count && a.Zip(b).All(pair => Equals(pair.First, pair.Second)),
        (TemplateDictionary a, TemplateDictionary b) =>
            a.Count == b.Count && a.All(pair => b.TryGetValue(pair.Key, out var other) && Equals(pair.Value, other)),
        _ => ReferenceEquals(left, right),
    };

    /// <summary>The order of two values, or null where they have none.</summary>
    public static int? Compare(object? left, object? right)
    {
        if (left is string a && right is string b)
            return Math.Sign(string.CompareOrdinal(a, b));
        if (AsInteger(left) is { } i && AsInteger(right) is { } j)
            return i.CompareTo(j);
        if (AsNumber(left) is { } x && AsNumber(right) is { } y)
            return x.CompareTo(y);
        if (left is not List<object?> first || right is not List<object?> second)
            return null;
        foreach (var (one, other) in first.Zip(second))
            if (!Equals(one, other))
                return Compare(one, other);
        return first.Count.CompareTo(second.Count);
    }

    public static long? AsInteger(object? value) => value switch { bool flag => flag ? 1 : 0, long number => number, _ => null };

    public static double? AsNumber(object? value) => value is double number ? number : AsInteger(value);

    public static long Length(TemplateRun run, object? value) => value switch
    {
        string text => CountCharacters(text),
        ICollection list => list.Count,
        TemplateUndefined => 0,
        _ => throw run.Error($"object of type '{TypeName(value)}' has no len()"),
    };

    /// <summary>The items that a loop over the value sees: characters, elements or keys.</summary>
    public static List<object?> Items(TemplateRun run, object? value)
    {
        List<object?> items = value switch
        {
            List<object?> list => list,
            TemplateDictionary pairs => [.. pairs.Keys],
            string text => [.. text.EnumerateRunes().Select(rune => rune.ToString())],
            TemplateUndefined => [],
            _ => throw run.Error($"'{TypeName(value)}' object is not iterable"),
        };
        run.Charge(items.Count);
        return items;
    }

    public static bool Contains(TemplateRun run, object? container, object? item) => container switch
    {
        string text => item is string part
            ? text.Contains(part, StringComparison.Ordinal)
            : throw run.Error($"'in <string>' requires string as left operand, not {TypeName(item)}"),
        TemplateDictionary pairs => item is string key && pairs.ContainsKey(key),
        _ => Items(run, container).Exists(other => Equals(item, other)),
    };

    public static int CountCharacters(string text)
    {
        var count = 0;
        foreach (var c in text)
            if (!char.IsLowSurrogate(c))
                count++;
        return count;
    }

    /// <summary>What is printed for a value.</summary>
    public static string Text(TemplateRun run, object? value)
    {
        if (value is string text)
            return text;
        if (value is TemplateUndefined)
            return "";
        var written = new StringBuilder();
        Represent(run, value, written);
        return written.ToString();
    }

    /// <summary>Python's repr of a value.</summary>
    private static void Represent(TemplateRun run, object? value, StringBuilder text)
    {
        run.Enter();
        run.ChargeSize(text.Length / 64);
        switch (value)
        {
            case null: text.Append("None"); break;
            case bool flag: text.Append(flag ? "True" : "False"); break;
            case long number: text.Append(CultureInfo.InvariantCulture, $"{number}"); break;
            case double number: text.Append(FloatText(number)); break;
            case string inner: AppendQuoted(inner, text); break;
            case List<object?> list:
                text.Append('[');
                for (var i = 0; i < list.Count; i++)
                {
                    text.Append(i > 0 ? ", " : "");
                    Represent(run, list[i], text);
                }
                text.Append(']');
                break;
            case TemplateDictionary pairs:
                text.Append('{');
                for (var i = 0; i < pairs.Count; i++)
                {
                    text.Append(i > 0 ? ", " : "");
                    AppendQuoted(pairs.GetAt(i).Key, text);
                    text.Append(": ");
                    Represent(run, pairs.GetAt(i).Value, text);
                }
                text.Append('}');
                break;
            case TemplateUndefined: text.Append("Undefined"); break;
            default: text.Append('<').Append(TypeName(value)).Append('>'); break;
        }
        run.Leave();
    }

    private static void AppendQuoted(string text, StringBuilder to)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        to.Append(quote);
        foreach (var c in text)
            _ = c switch
            {
                '\\' => to.Append(@"\\"),
                '\n' => to.Append(@"\n"),
                '\r' => to.Append(@"\r"),
                '\t' => to.Append(@"\t"),
                _ when c == quote => to.Append('\\').Append(c),
                < ' ' or '\x7f' => to.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
                _ => to.Append(c),
            };
        to.Append(quote);
    }

    /// <summary>Python's shortest spelling of a float: 1.0, 0.1, 1e-05, 1e+16.</summary>
    public static string FloatText(double value)
    {
        if (!double.IsFinite(value))
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        var shortest = value.ToString("E16", CultureInfo.InvariantCulture);
        for (var digits = 0; digits < 17; digits++)
        {
            shortest = value.ToString("E" + digits, CultureInfo.InvariantCulture);
            if (double.Parse(shortest, CultureInfo.InvariantCulture) == value)
                break;
        }
        var e = shortest.IndexOf('E');
        var exponent = int.Parse(shortest.AsSpan(e + 1), CultureInfo.InvariantCulture);
        if (exponent is < -4 or >= 16)
            return string.Create(CultureInfo.InvariantCulture, $"{shortest[..e]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        var mantissaDigits = Math.Max(1, (e - (shortest[0] == '-' ? 1 : 0)) - 2);
        return value.ToString("F" + Math.Max(1, mantissaDigits - exponent), CultureInfo.InvariantCulture) is var plain && plain.Contains('.')
            ? TrimZeros(plain)
            : shortest;
    }

    private static string TrimZeros(string text)
    {
        text = text.TrimEnd('0');
        return text.EndsWith('.') ? text + "0" : text;
    }

    /// <summary>Sums, differences and so on; Python's rules for texts and lists too.</summary>
    public static object? Calculate(TemplateRun run, string name, object? left, object? right)
    {
        switch (name, left, right)
        {
            case ("+", string a, string b):
                run.ChargeSize((long)a.Length + b.Length);
                return a + b;
            case ("+", List<object?> a, List<object?> b):
                run.ChargeSize((long)a.Count + b.Count);
                return new List<object?>([.. a, .. b]);
            case ("*", string or List<object?>, bool or long):
                return Repeat(run, left, AsInteger(right)!.Value);
            case ("*", bool or long, string or List<object?>):
                return Repeat(run, right, AsInteger(left)!.Value);
        }
        try
        {
            if (AsInteger(left) is { } i && AsInteger(right) is { } j && name != "/" && !(name == "**" && j < 0))
                return Integer(run, name, i, j);
            if (AsNumber(left) is { } x && AsNumber(right) is { } y)
                return Float(run, name, x, y);
        }
        catch (OverflowException)
        {
            throw run.Error($"the result of {left} {name} {right} is too large");
        }
        throw Undefined(run, left) ?? Undefined(run, right)
            ?? run.Error($"unsupported operand type(s) for {name}: '{TypeName(left)}' and '{TypeName(right)}'");
    }

    /// <summary>The error of using a value that is not defined, or null where it is.</summary>
    public static TemplateException? Undefined(TemplateRun run, object? value) =>
        value is TemplateUndefined undefined ? run.Error(undefined.Why) : null;

    private static object Repeat(TemplateRun run, object? what, long count)
    {
        count = Math.Max(0, count);
        var size = what is string s ? s.Length : ((List<object?>)what!).Count;
        run.ChargeSize(size == 0 || count == 0 ? 0 : size > int.MaxValue / count ? long.MaxValue : size * count);
        if (size == 0)
            count = 0;
        return what is string text
            ? new StringBuilder().Insert(0, text, (int)count).ToString()
            : Enumerable.Repeat((List<object?>)what!, (int)count).SelectMany(list => list).ToList();
    }

    private static object Integer(TemplateRun run, string name, long left, long right)
    {
        checked
        {
            return name switch
            {
                "+" => left + right,
                "-" => left - right,
                "*" => left * right,
                "//" or "%" when right == 0 => throw run.Error("integer division or modulo by zero"),
                "//" => (left / right) - (left % right != 0 && (left < 0) != (right < 0) ? 1 : 0),
                "%" => ((left % right) + right) % right,
                "**" when right <= 64 || left is >= -1 and <= 1 => (long)BigInteger.Pow(left, (int)Math.Min(right, 64 + (right & 1))),
                "**" => throw new OverflowException(),
                _ => throw run.Error($"no operator {name}"),
            };
        }
    }

    private static object Float(TemplateRun run, string name, double left, double right) => name switch
    {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" or "//" or "%" when right == 0 => throw run.Error("division by zero"),
        "/" => left / right,
        "//" => Math.Floor(left / right),
        "%" => left - right * Math.Floor(left / right),
        "**" => Math.Pow(left, right),
        _ => throw run.Error($"no operator {name}"),
    };
}
