using System.CommandLine;
using System.CommandLine.Parsing;
using System.Reflection;
using Vernier.Cli.Arguments;
using Vernier.Options;
using Vernier.Tuning;

namespace Vernier.Cli.Runs;

/// <summary>The runs of a sweep: every combination of the values that tune's options are given.</summary>
internal sealed class SweepPlan
{
    // Their values may hold commas themselves.
    private static readonly string[] s_whole = ["targets", "rank-pattern", "alpha-pattern"];

    private readonly List<(PropertyInfo Property, Option<string> Option)> _options = [];

    /// <summary>Declares tune's options on a verb; each takes values parted by commas.</summary>
    public static SweepPlan AddTo(Command command)
    {
        var plan = new SweepPlan();
        foreach (var property in typeof(TuneOptions).GetProperties())
        {
            if (property.GetCustomAttribute<OptionAttribute>() is not { } about)
                continue;
            var option = new Option<string>("--" + about.Name) { Description = OptionHelp.Sentence(about.Summary) + (about.Range is { } range ? OptionHelp.Range(OptionRange.Parse(range)) : ""), HelpName = s_whole.Contains(about.Name) ? "TEXT" : "A,B,..." }.Marked(OutputKind.Text);
            option.CompletionSources.Add(OptionHelp.Names(property));
            option.Validators.Add(result =>
            {
                try
                {
                    _ = Values(property, about.Name, result);
                }
                catch (FormatException e)
                {
                    result.AddError(e.Message);
                }
            });
            command.Add(option);
            plan._options.Add((property, option));
        }
        return plan;
    }

    /// <summary>One run for every combination: its name, and its options as they are typed. The first option varies slowest.</summary>
    public IReadOnlyList<SweepRun> Runs(ParseResult parsed)
    {
        var given = _options.Where(o => parsed.GetResult(o.Option) is { Implicit: false })
            .Select(o => (Name: o.Option.Name[2..], Values: Values(o.Property, o.Option.Name[2..], parsed.GetResult(o.Option)!))).ToList();
        IEnumerable<(string Name, string Value)[]> combinations = [[]];
        foreach (var (name, values) in given)
            combinations = combinations.SelectMany(so => values.Select(value => ((string, string)[])[.. so, (name, value)]));
        var swept = given.Where(o => o.Values.Length > 1).Select(o => o.Name).ToList();
        return [.. combinations.Select(options => new SweepRun(NameOf([.. options.Where(o => swept.Contains(o.Name))]), options))];
    }

    private static string NameOf((string Name, string Value)[] options) =>
        options.Length == 0 ? "run" : string.Join('_', options.Select(o => $"{o.Name}-{string.Concat(o.Value.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '+' ? c : '-'))}"));

    /// <exception cref="FormatException">A value is not one of the option's.</exception>
    private static string[] Values(PropertyInfo property, string name, OptionResult given)
    {
        var text = given.Tokens.Count == 1 ? given.Tokens[0].Value : throw new FormatException($"--{name} takes values parted by commas");
        string[] values = s_whole.Contains(name) ? [text] : text.Split(',');
        foreach (var value in values)
            OptionValue.Parse(property, value, "--" + name);
        return values.Distinct().Count() == values.Length ? values : throw new FormatException($"--{name}: '{text}' has a value twice");
    }
}

/// <summary>One run of a sweep.</summary>
/// <param name="Name">Of its folder: the options that vary, with its values.</param>
/// <param name="Options">Names without dashes, and values as they are typed.</param>
internal sealed record SweepRun(string Name, IReadOnlyList<(string Name, string Value)> Options)
{
    /// <summary>The options as tune's command line has them.</summary>
    public IEnumerable<string> Arguments() => Options.SelectMany(option =>
        typeof(TuneOptions).GetProperties().First(p => p.GetCustomAttribute<OptionAttribute>()?.Name == option.Name).PropertyType != typeof(bool) ? ["--" + option.Name, option.Value]
        : (bool)OptionValue.Parse(typeof(bool), option.Value, option.Name) ? (string[])["--" + option.Name]
        : option.Name == "shuffle" ? ["--no-shuffle"] : []);

    /// <summary>The run in a folder was made with these options.</summary>
    public bool IsOf(RunFile file)
    {
        var was = RunFile.Values(file.Options).ToDictionary(o => o.Name, o => o.Value, StringComparer.Ordinal);
        return Options.All(option => !was.TryGetValue(option.Name, out var value) || value == Spelled(option));
    }

    private static string Spelled((string Name, string Value) option)
    {
        var property = typeof(TuneOptions).GetProperties().First(p => p.GetCustomAttribute<OptionAttribute>()?.Name == option.Name);
        var options = new TuneOptions();
        property.SetValue(options, OptionValue.Parse(property, option.Value, option.Name));
        return RunFile.Values(options).First(o => o.Name == option.Name).Value;
    }
}
