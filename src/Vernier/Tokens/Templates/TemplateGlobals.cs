using System.Globalization;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>The functions that every chat template can call.</summary>
internal static class TemplateGlobals
{
    private const int LongestRange = 100_000;

    public static void AddTo(TemplateScope scope, TimeProvider clock)
    {
        Add("raise_exception", (run, arguments) => throw new TemplateException(TemplateValues.Text(run, arguments.Get(0, "message")), run.Line));
        Add("strftime_now", (run, arguments) => Format(run, arguments.Text(run, 0, "format"), clock.GetLocalNow()));
        Add("range", Range);
        Add("namespace", (run, arguments) =>
        {
            var made = new TemplateNamespace();
            foreach (var (name, value) in Merge(run, arguments))
                made.Members[name] = value;
            return made;
        });
        Add("dict", Merge);

        void Add(string name, Func<TemplateRun, TemplateArguments, object?> call) => scope.Set(name, new TemplateFunction(name, call));
    }

    private static TemplateDictionary Merge(TemplateRun run, TemplateArguments arguments)
    {
        var merged = new TemplateDictionary();
        if (arguments.Placed is [TemplateDictionary given, ..])
            foreach (var (name, value) in given)
                merged[name] = value;
        foreach (var (name, value) in arguments.Named)
            merged[name] = value;
        run.Charge(merged.Count);
        return merged;
    }

    private static object Range(TemplateRun run, TemplateArguments arguments)
    {
        var first = arguments.Integer(run, 0, "start");
        var (from, to) = arguments.Placed.Count > 1 ? (first, arguments.Integer(run, 1, "stop")) : (0, first);
        var step = arguments.Integer(run, 2, "step", 1);
        if (step == 0)
            throw run.Error("range() arg 3 must not be zero");
        var items = new List<object?>();
        for (Int128 at = from; step > 0 ? at < to : at > to; at += step)
        {
            if (items.Count == LongestRange)
                throw run.Error($"Range too big. The sandbox blocks ranges larger than {LongestRange}.");
            run.Charge();
            items.Add((long)at);
        }
        return items;
    }

    /// <summary>The time in C's strftime notation.</summary>
    private static string Format(TemplateRun run, string format, DateTimeOffset now)
    {
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            var isBare = format[i + 1] == '-' && i + 2 < format.Length;
            i += isBare ? 2 : 1;
            var part = Part(run, format[i], now);
            text.Append(isBare && part.Length > 1 ? part.TrimStart('0') is { Length: > 0 } bare ? bare : "0" : part);
        }
        return text.ToString();
    }

    private static string Part(TemplateRun run, char directive, DateTimeOffset now)
    {
        string Net(string pattern) => now.ToString(pattern, CultureInfo.InvariantCulture);
        return directive switch
        {
            'Y' => Net("yyyy"),
            'y' => Net("yy"),
            'm' => Net("MM"),
            'd' => Net("dd"),
            'B' => Net("MMMM"),
            'b' or 'h' => Net("MMM"),
            'A' => Net("dddd"),
            'a' => Net("ddd"),
            'H' => Net("HH"),
            'I' => Net("hh"),
            'M' => Net("mm"),
            'S' => Net("ss"),
            'p' => Net("tt"),
            'f' => Net("ffffff"),
            'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'F' => Net("yyyy-MM-dd"),
            'T' => Net("HH:mm:ss"),
            'z' => Net("zzz").Replace(":", ""),
            '%' => "%",
            _ => throw run.Error($"the time directive %{directive} is not known"),
        };
    }
}
