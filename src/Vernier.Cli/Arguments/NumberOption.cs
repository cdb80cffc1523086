using System.CommandLine;
using System.CommandLine.Parsing;
using System.Reflection;
using Vernier.Options;

namespace Vernier.Cli.Arguments;

/// <summary>Options whose value is a number in a range: the range is checked as the command line is read, and said in help.</summary>
internal static class NumberOption
{
    /// <summary>A whole number.</summary>
    /// <param name="range">As <see cref="OptionRange.Parse"/> reads it.</param>
    public static Option<int> Whole(string name, string summary, string range, int? start = null) => Create<int>(name, summary, "N", OptionRange.Parse(range), start);

    /// <summary>Any number.</summary>
    /// <inheritdoc cref="Whole"/>
    public static Option<double> Real(string name, string summary, string range, double? start = null) => Create<double>(name, summary, "X", OptionRange.Parse(range), start);

    /// <summary>A size in bytes such as 400M or 1.5G; null where it is not given.</summary>
    /// <inheritdoc cref="Whole"/>
    public static Option<long?> Size(string name, string summary, string range) => new(name)
    {
        Description = summary,
        HelpName = "SIZE",
        CustomParser = result => Value<long>(result, name, OptionRange.Parse(range)),
    };

    /// <summary>The option that a property of an options record declares.</summary>
    public static Option<TValue> Of<TRecord, TValue>(string property)
        where TRecord : new()
        where TValue : struct
    {
        var declared = typeof(TRecord).GetProperty(property)!;
        var about = declared.GetCustomAttribute<OptionAttribute>()!;
        return Create("--" + about.Name, OptionHelp.Sentence(about.Summary), typeof(TValue) == typeof(int) ? "N" : "X", OptionRange.Parse(about.Range!), (TValue?)declared.GetValue(new TRecord()));
    }

    private static Option<T> Create<T>(string name, string summary, string helpName, OptionRange range, T? start)
        where T : struct => new(name)
        {
            Description = summary + OptionHelp.Range(range),
            HelpName = helpName,
            DefaultValueFactory = start is { } value ? _ => value : null,
            CustomParser = result => Value<T>(result, name, range),
        };

    private static T Value<T>(ArgumentResult result, string name, OptionRange range)
    {
        try
        {
            return (T)OptionValue.Parse(typeof(T), result.Tokens.Count == 1 ? result.Tokens[0].Value : "", name, range);
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            return default!;
        }
    }
}
