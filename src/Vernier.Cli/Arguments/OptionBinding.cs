using System.CommandLine;
using System.CommandLine.Parsing;
using System.Reflection;
using Vernier.Options;

namespace Vernier.Cli.Arguments;

/// <summary>Command-line options made from the properties of an options record that carry <see cref="OptionAttribute"/>,
/// so that names, summaries and defaults are declared once.</summary>
/// <typeparam name="T">The record, with init-only properties.</typeparam>
internal sealed class OptionBinding<T>
    where T : class, new()
{
    private readonly List<(PropertyInfo Property, Option Option, Option? Negation)> _options = [];

    /// <param name="except">Names that the verb declares itself.</param>
    public OptionBinding(Command command, params string[] except)
        : this(command, new T(), except)
    {
    }

    /// <param name="defaults">The values that help shows: what the verb starts from.</param>
    public OptionBinding(Command command, T defaults, params string[] except)
    {
        foreach (var property in typeof(T).GetProperties())
        {
            if (property.GetCustomAttribute<OptionAttribute>() is not { } about || except.Contains(about.Name))
                continue;
            var value = property.GetValue(defaults);
            var option = Create(property, about, value);
            command.Add(option);
            Option? negation = null;
            if (property.PropertyType == typeof(bool) && value is true)
            {
                negation = new Option<bool>("--no-" + about.Name) { Description = $"Not --{about.Name}" };
                command.Add(negation);
            }
            _options.Add((property, option, negation));
        }
    }

    /// <summary>Sets the properties that the command line names on a copy of <paramref name="start"/>.</summary>
    public T Apply(ParseResult parsed, T start)
    {
        var copy = new T();
        foreach (var property in typeof(T).GetProperties().Where(p => p.CanWrite))
            property.SetValue(copy, property.GetValue(start));
        foreach (var (property, option, negation) in _options)
        {
            if (parsed.GetResult(option) is { Implicit: false } given)
                property.SetValue(copy, Value(property, given));
            if (negation is not null && parsed.GetResult(negation) is { Implicit: false })
                property.SetValue(copy, false);
        }
        return copy;
    }

    private static Option Create(PropertyInfo property, OptionAttribute about, object? value)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        var description = OptionHelp.Sentence(about.Summary) + (about.Range is { } range ? OptionHelp.Range(OptionRange.Parse(range)) : "") + OptionHelp.Default(value);
        if (type == typeof(bool))
            return new Option<bool>("--" + about.Name) { Description = description };
        var option = new Option<string>("--" + about.Name) { Description = description, HelpName = HelpName(type) }.Marked(OutputKind.Text);
        option.CompletionSources.Add(OptionHelp.Names(property));
        option.Validators.Add(result =>
        {
            try
            {
                Value(property, result);
            }
            catch (FormatException e)
            {
                result.AddError(e.Message);
            }
        });
        return option;
    }

    private static string HelpName(Type type) =>
        type.IsEnum ? string.Join('|', Enum.GetValues(type).Cast<Enum>().Select(OptionValue.NameOf))
        : type == typeof(int) ? "N"
        : type == typeof(long) ? "SIZE"
        : type == typeof(float) || type == typeof(double) ? "X"
        : "TEXT";

    private static object? Value(PropertyInfo property, OptionResult given)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type == typeof(bool))
            return given.GetValueOrDefault<bool>();
        var text = given.Tokens.Count == 1 ? given.Tokens[0].Value : throw new FormatException($"--{OptionName(property)} takes one value");
        return OptionValue.Parse(property, text, "--" + OptionName(property));
    }

    private static string OptionName(PropertyInfo property) => property.GetCustomAttribute<OptionAttribute>()!.Name;
}
