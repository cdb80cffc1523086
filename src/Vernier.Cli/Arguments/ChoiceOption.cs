using System.CommandLine;
using System.CommandLine.Parsing;
using Vernier.Options;

namespace Vernier.Cli.Arguments;

/// <summary>Options whose value is one of a few names.</summary>
internal static class ChoiceOption
{
    /// <summary>One value of an enum, as <see cref="OptionValue.NameOf"/> spells it.</summary>
    public static Option<T?> Of<T>(string name, string summary)
        where T : struct, Enum
    {
        string[] names = [.. Enum.GetValues<T>().Select(v => OptionValue.NameOf(v))];
        var option = new Option<T?>(name)
        {
            Description = summary,
            HelpName = string.Join('|', names),
            CustomParser = result => Parsed(result, text => (T?)OptionValue.Parse(typeof(T), text, name)),
        };
        option.CompletionSources.Clear();
        option.CompletionSources.Add(names);
        return option;
    }

    /// <summary>Takes only these names.</summary>
    public static Option<string> Among(this Option<string> option, params string[] names)
    {
        option.HelpName ??= string.Join('|', names);
        option.CompletionSources.Add(names);
        option.CustomParser = result => Parsed(result, text => names.Contains(text, StringComparer.Ordinal)
            ? text
            : throw new FormatException($"{option.Name} is '{text}', expected {OptionRules.AnyOf(names)}{Suggestion.Hint(text, names)}"));
        return option.Marked(OutputKind.Text);
    }

    private static T? Parsed<T>(ArgumentResult result, Func<string, T> parse)
    {
        try
        {
            return parse(result.Tokens.Count == 1 ? result.Tokens[0].Value : "");
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            return default;
        }
    }
}
