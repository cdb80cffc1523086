using System.Globalization;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>The functions that every chat template can call.</summary>
internal static class TemplateGlobals
{
    private const int LongestRange = 100_000;

    public static void AddTo(TemplateScope scope, TimeProvider clock)
    {
        Add("raise_exception", "message", (run, a) => throw new TemplateException(TemplateRepresentation.Text(run, a.Get(0)), run.Line));
        Add("strftime_now", "format", (run, a) => Format(run, a.Text(run, 0), clock.GetLocalNow()));
        Add("range", "/ start stop= step=", Range);
        Add("namespace", "* **", (run, a) => new TemplateNamespace(Merge(run, a)));
        Add("dict", "* **", Merge);
        Add("cycler", "*", Cycler);
        Add("joiner", "sep=", Joiner);
        Add("lipsum", "* **", (run, _) => throw run.Error("lipsum is not done here: a conversation has one text"));

        void Add(string name, string parameters, Func<TemplateRun, TemplateBound, object?> call)
        {
            var signature = new TemplateSignature(name, parameters);
            scope.Set(name, new TemplateFunction(name, (run, arguments) => call(run, signature.Bind(run, arguments))));
        }
    }

    private static TemplateDictionary Merge(TemplateRun run, TemplateBound arguments)
    {
        if (arguments.Rest.Count > 1)
            throw run.Error($"{arguments.Function} expected at most 1 argument, got {arguments.Rest.Count}");
        var merged = arguments.Rest.Count == 0 ? [] : arguments.Rest[0] is TemplateDictionary given ? TemplateMethods.Copy(run, given) : FromPairs(run, arguments.Rest[0]);
        run.ChargeItems(merged.Count);
        foreach (var (name, value) in arguments.Named)
            merged[name] = value;
        return merged;
    }

    private static TemplateDictionary FromPairs(TemplateRun run, object? pairs)
    {
        var made = new TemplateDictionary();
        foreach (var pair in TemplateValues.Iterate(run, pairs))
            if (TemplateValues.Items(run, pair) is [var key, var value])
                made[TemplateKey.Of(run, key)] = value;
            else
                throw run.Error("a dictionary is made of pairs");
        return made;
    }

    private static object Range(TemplateRun run, TemplateBound arguments)
    {
        long Whole(int place, long otherwise) => !arguments.Has(place) ? otherwise
            : TemplateNumbers.AsClamped(arguments.Get(place)) ?? throw TemplateValues.Wrong(
                run, arguments.Get(place), $"'{TemplateValues.TypeName(arguments.Get(place))}' object cannot be interpreted as an integer");
        var first = Whole(0, 0);
        var (from, to) = arguments.Has(1) ? (first, Whole(1, 0)) : (0, first);
        var step = Whole(2, 1);
        if (step == 0)
            throw run.Error("range() arg 3 must not be zero");
        var count = step > 0 ? ((Int128)to - from + step - 1) / step : ((Int128)from - to - (Int128)step - 1) / -(Int128)step;
        if (count > LongestRange)
            throw run.Error($"Range too big. The sandbox blocks ranges larger than {LongestRange}.");
        return new TemplateRange(from, to, step, (int)Int128.Max(count, 0));
    }

    private static object Cycler(TemplateRun run, TemplateBound arguments)
    {
        if (arguments.Rest.Count == 0)
            throw run.Error("at least one item has to be provided");
        var (items, at) = (arguments.Rest, 0);
        return new TemplateObject("Cycler", name => name switch
        {
            "current" => items[at],
            "next" => new TemplateFunction("next", (_, _) =>
            {
                var item = items[at];
                at = (at + 1) % items.Count;
                return item;
            }),
            "reset" => new TemplateFunction("reset", (_, _) =>
            {
                at = 0;
                return null;
            }),
            "pos" => (long)at,
            "items" => new TemplateTuple([.. items]),
            _ => null,
        });
    }

    private static object Joiner(TemplateRun run, TemplateBound arguments)
    {
        var isUsed = false;
        return new TemplateFunction("joiner", (_, _) =>
        {
            var text = isUsed ? arguments.Get(0, ", ") : "";
            isUsed = true;
            return text;
        });
    }

    /// <summary>The time in C's strftime notation.</summary>
    private static string Format(TemplateRun run, string format, DateTimeOffset now)
    {
        run.ChargeSize(format.Length * 8L);
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            var flag = format[i + 1] is '-' or '_' or '0' or '^' && i + 2 < format.Length ? format[i + 1] : '\0';
            i += flag == '\0' ? 1 : 2;
            var part = Part(run, format[i], now);
            text.Append(flag switch
            {
                '-' => part.TrimStart('0', ' ') is { Length: > 0 } bare ? bare : part[^1..],
                '_' => part.TrimStart('0').PadLeft(part.Length),
                '^' => part.ToUpperInvariant(),
                _ => part,
            });
        }
        return text.ToString();
    }

    private static string Part(TemplateRun run, char directive, DateTimeOffset now) =>
        TimeOfDay(directive, now) ?? Day(directive, now) ?? directive switch
        {
            'c' => Net(now, "ddd MMM ") + now.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2) + Net(now, " HH:mm:ss yyyy"),
            's' => now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            'n' => "\n",
            't' => "\t",
            '%' => "%",
            _ => throw run.Error($"the time directive %{directive} is not known"),
        };

    private static string? TimeOfDay(char directive, DateTimeOffset now) => directive switch
    {
        'H' => Net(now, "HH"),
        'k' => now.Hour.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'I' => Net(now, "hh"),
        'l' => Net(now, "hh").TrimStart('0').PadLeft(2),
        'M' => Net(now, "mm"),
        'S' => Net(now, "ss"),
        'p' => Net(now, "tt"),
        'P' => Net(now, "tt").ToLowerInvariant(),
        'f' => Net(now, "ffffff"),
        'T' or 'X' => Net(now, "HH:mm:ss"),
        'R' => Net(now, "HH:mm"),
        'r' => Net(now, "hh:mm:ss tt"),
        // Python's now() has no time zone.
        'z' or 'Z' => "",
        _ => null,
    };

    private static string? Day(char directive, DateTimeOffset now)
    {
        var monday = ((int)now.DayOfWeek + 6) % 7;
        return directive switch
        {
            'Y' => now.Year.ToString(CultureInfo.InvariantCulture),
            'C' => Two(now.Year / 100),
            'y' => Net(now, "yy"),
            'm' => Net(now, "MM"),
            'd' => Net(now, "dd"),
            'e' => now.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'B' => Net(now, "MMMM"),
            'b' or 'h' => Net(now, "MMM"),
            'A' => Net(now, "dddd"),
            'a' => Net(now, "ddd"),
            'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'F' => Net(now, "yyyy-MM-dd"),
            'D' or 'x' => Net(now, "MM/dd/yy"),
            'u' => (monday + 1).ToString(CultureInfo.InvariantCulture),
            'w' => ((int)now.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'U' => Two((now.DayOfYear + 6 - (int)now.DayOfWeek) / 7),
            'W' => Two((now.DayOfYear + 6 - monday) / 7),
            'V' => Two(ISOWeek.GetWeekOfYear(now.DateTime)),
            'G' => ISOWeek.GetYear(now.DateTime).ToString(CultureInfo.InvariantCulture),
            _ => null,
        };
    }

    private static string Net(DateTimeOffset now, string pattern) => now.ToString(pattern, CultureInfo.InvariantCulture);

    private static string Two(int number) => number.ToString("00", CultureInfo.InvariantCulture);
}
