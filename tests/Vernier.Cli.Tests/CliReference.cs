using System.CommandLine;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Vernier.Adapters;
using Vernier.Calibration;
using Vernier.Cli.Benchmark;
using Vernier.Cli.Demo;
using Vernier.Cli.Verbs;
using Vernier.Evaluation;
using Vernier.Export;
using Vernier.Files.Hub;
using Vernier.Inspection;
using Vernier.Tuning;

namespace Vernier.Cli.Tests;

/// <summary>Writes docs/cli.md from the verbs, their options and their result types.</summary>
internal static class CliReference
{
    private static readonly string[] Common = ["--json", "--threads", "--seed", "--force"];

    private static readonly Dictionary<string, Result> Results = new()
    {
        ["demo"] = new([typeof(DemoResult), typeof(DemoRow), typeof(DemoTask), typeof(DemoExport)], "Exit code 1 when a code changed or switching was not exact."),
        ["inspect"] = new([typeof(FileInspection), typeof(InspectedTensor)]),
        ["plan"] = new([typeof(TuningPlan)], "Takes `tune`'s options. Nothing but headers is read; the times come from a measurement of products like the model's, about a second long."),
        ["quantize"] = new([typeof(QuantizeResult), typeof(QuantizedLayer)]),
        ["imatrix"] = new([typeof(ImportanceResult)]),
        ["tune"] = new([typeof(TuneResult)], "The figures are those of the last line of `log.jsonl`."),
        ["sweep"] = new([typeof(RunComparison), typeof(RunSummary)], "Takes `tune`'s options, each with values parted by commas. A run that diverges is told of and does not end the sweep; exit code 1 when none came to its end."),
        ["compare"] = new([typeof(RunComparison), typeof(RunSummary)]),
        ["eval"] = new([typeof(PerplexityResult), typeof(TrainingFileResult), typeof(ChoiceResult), typeof(GenerationResult)], "Which one, depends on the task."),
        ["score"] = new([], "JSON: `rows`. A line of `--out` is the input line with `logprobs`, `sum` and `greedy`. `{\"ids\"}` scores all but the first id; `{\"prompt\",\"continuation\"}` scores the continuation."),
        ["tokenize"] = new([], "JSON: `rows`. A line of `--out` is the input line with `ids` and `pieces` for `{\"text\"}`; `text` and `ids` for `{\"messages\"}`; with `--decode` `text`, `stream` and `stream_end`."),
        ["generate"] = new([], "JSON: `text` and `ids`, the new ones only."),
        ["chat"] = new([], "Commands and keys: [chat.md](chat.md). JSON: `messages`, a list of `role` and `content`."),
        ["pull"] = new([typeof(HubPull)], "Which repository, from where and into which folder: [hub.md](hub.md)."),
        ["push"] = new([typeof(HubPush)], "Needs a token that may write: [hub.md](hub.md)."),
        ["adapter info"] = new([], "JSON: `method`, `base_model`, `base_codes_sha256`, `tuned_codes_sha256`, `version`, `options` by name, `parameters` and `tensors`, a list of `name`, `shape`, `smallest` and `largest`."),
        ["adapter diff"] = new([typeof(AdapterDifference)], "Exit code 1 when they differ."),
        ["adapter interpolate"] = new([], "JSON: `path`, `method`, `weight` and `tensors`, their number."),
        ["export"] = new([typeof(ExportResult)]),
        ["verify"] = new([typeof(CodeComparison)], "Exit code 1 when the codes differ; where neither model has codes, when the tensors differ."),
        ["bench"] = new([typeof(BenchmarkResult), typeof(KernelTable), typeof(KernelRow), typeof(KernelUse)], "The kernel table with `--list`, which takes no MODEL."),
        ["completion"] = new([], "JSON: `shell` and `script`; with `--at` `words`. bash: `source <(vernier completion bash)`, or write the script to `~/.local/share/bash-completion/completions/vernier`. "
            + "zsh: `vernier completion zsh > FOLDER/_vernier` with a FOLDER of `$fpath`. PowerShell: `vernier completion powershell >> $PROFILE`. "
            + "Verbs, options and values that are names (methods, formats, tasks, shapes) are offered, files elsewhere."),
    };

    /// <summary>The whole page.</summary>
    public static string Markdown()
    {
        var page = new StringBuilder();
        page.Append("""
            # Command line

            <!-- Written by tests/Vernier.Cli.Tests from the verbs themselves: VERNIER_UPDATE_DOCS=1 dotnet test tests/Vernier.Cli.Tests --filter CliReferenceTests -->

            `vernier VERB [arguments] [options]`. Results go to standard output, progress and warnings to standard error. A failure is one line on standard error.

            | Exit code | Means |
            |---|---|
            | 0 | done |
            | 1 | failed; for a verb that proves something: disproved |
            | 2 | wrong usage: a verb, option, value or combination that is not taken, on the command line or in a run file; found before any model is opened |
            | 130, 143 | interrupted by Ctrl-C, by SIGTERM |

            `vernier` alone shows help and ends with 0. A number that lies outside its option's range, which help shows in parentheses, is wrong usage. A name that is mistyped is
            answered with the nearest one. The width of help is that of the terminal, or `COLUMNS`, else 80. In JSON results a field that is not known is null, never left out.

            Where a verb takes a MODEL, `hf:OWNER/NAME`, `hf:OWNER/NAME@REVISION` and `hf:OWNER/NAME/FILE` are models of the Hugging Face hub ([hub.md](hub.md)).

            `VERNIER_TRACE=1` in the environment shows the stack of a failure.

            No output replaces what the same command reads: not by its name, a link, a hard link, by lying inside a folder that is read or by containing a file that is read
            (a result may lie beside the adapter that was measured). What is there already (a file, a folder that is not empty, a finished run) is kept, and the command ends
            with exit code 2, unless `--force` is given. A `--json` file may replace an earlier JSON file that is not the settings of a model, and `score` and `tokenize` may replace rows that they wrote. Files and folders are written beside
            their names and renamed when they are complete: a full disk or a kill leaves the old content. `-`, `/dev/stdout` and devices are written as the text comes.


            """);
        var verbs = VerbList.All.Select(verb => verb.Create()).ToList();
        page.Append("Every verb takes:\n");
        AppendOptions(page, verbs[0].Options.Where(o => Common.Contains(o.Name)));
        foreach (var verb in verbs)
            Append(page, verb, verb.Name, "##");
        return page.ToString();
    }

    private static void Append(StringBuilder page, Command verb, string name, string heading)
    {
        if (verb.Subcommands.Count > 0)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n{heading} {name}\n{verb.Description}.\n");
            foreach (var part in verb.Subcommands)
                Append(page, part, $"{name} {part.Name}", heading + "#");
            return;
        }
        var arguments = string.Concat(verb.Arguments.Where(a => !a.Hidden).Select(a => a.Arity.MinimumNumberOfValues == 0 ? $" [{a.Name}]" : $" {a.Name}"));
        var required = string.Concat(verb.Options.Where(o => o.Required).Select(o => $" {o.Name} {o.HelpName ?? "VALUE"}"));
        page.Append(CultureInfo.InvariantCulture, $"\n{heading} {name}\n`vernier {name}{arguments}{required} [options]`: {verb.Description}.\n");
        if (verb.Arguments.Count > 0)
            page.Append('\n');
        foreach (var argument in verb.Arguments.Where(a => !a.Hidden))
            page.Append(CultureInfo.InvariantCulture, $"- `{argument.Name}`: {argument.Description}\n");
        AppendOptions(page, verb.Options.Where(o => !o.Hidden && !Common.Contains(o.Name) && o.Name != "--help"));
        var result = Results.GetValueOrDefault(name) ?? throw new InvalidOperationException($"say in {nameof(CliReference)} what the JSON result of '{name}' is");
        if (result.Types.Length > 0)
            AppendFields(page, result.Types);
        if (result.Note.Length > 0)
            page.Append('\n').Append(result.Note).Append('\n');
    }

    private static void AppendOptions(StringBuilder page, IEnumerable<Option> options)
    {
        if (!options.Any())
            return;
        page.Append("\n| Option | Means |\n|---|---|\n");
        foreach (var option in options)
        {
            var value = option.ValueType == typeof(bool) ? "" : " " + (option.HelpName ?? "VALUE");
            var start = option.Required ? " (required)" : Default(option);
            page.Append(CultureInfo.InvariantCulture, $"| `{Cell(option.Name + value)}` | {Cell(option.Description + start)} |\n");
        }
    }

    private static string Default(Option option)
    {
        var value = option.HasDefaultValue && option.Description?.Contains("[default", StringComparison.Ordinal) != true ? option.GetDefaultValue() : null;
        return value is null or false or "" or Array { Length: 0 } ? "" : string.Create(CultureInfo.InvariantCulture, $" [default: {value}]");
    }

    private static void AppendFields(StringBuilder page, Type[] types)
    {
        page.Append("\n| JSON field | Holds |\n|---|---|\n");
        foreach (var type in types)
        {
            if (types.Length > 1)
                page.Append(CultureInfo.InvariantCulture, $"| | **{Title(type)}** |\n");
            foreach (var property in type.GetProperties().Where(p => p.GetCustomAttribute<JsonIgnoreAttribute>() is null && p.Name != "EqualityContract"))
                page.Append(CultureInfo.InvariantCulture, $"| `{FieldName(property)}` | {Cell(Summary(property, types))} |\n");
        }
    }

    /// <summary>The fields of a result's JSON.</summary>
    public static IEnumerable<string> Fields(Type type) => type.GetProperties().Where(p => p.GetCustomAttribute<JsonIgnoreAttribute>() is null && p.Name != "EqualityContract").Select(FieldName);

    private static string FieldName(PropertyInfo property) =>
        property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);

    /// <summary>What the documentation of the property says, or of the record's parameter that it came from; else what it is a list of.</summary>
    private static string Summary(PropertyInfo property, Type[] types)
    {
        var type = property.DeclaringType!;
        var members = Documentation(type.Assembly);
        var said = members.GetValueOrDefault($"P:{type.FullName}.{property.Name}")?.Element("summary")
            ?? members.GetValueOrDefault($"T:{type.FullName}")?.Elements("param").FirstOrDefault(p => (string?)p.Attribute("name") == property.Name);
        var item = property.PropertyType.IsGenericType ? property.PropertyType.GenericTypeArguments[^1] : property.PropertyType;
        var holds = types.Contains(item) ? property.PropertyType == item ? $"see {Title(item)}" : $"a list, see {Title(item)}" : "";
        var text = said is null ? "" : Plain(said).TrimEnd('.');
        return (text, holds) switch { ("", _) => holds, (_, "") => text, _ => $"{text} ({holds})" };
    }

    private static string Title(Type type) => Regex.Replace(type.Name, "(?<=[a-z])(?=[A-Z])", " ").ToLowerInvariant();

    private static Dictionary<string, XElement> Documentation(Assembly assembly) =>
        XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member").ToDictionary(m => (string)m.Attribute("name")!);

    private static string Plain(XElement said) =>
        Regex.Replace(string.Concat(said.Nodes().Select(node => node is XElement e ? e.Value.Length > 0 ? e.Value : JsonNamingPolicy.SnakeCaseLower.ConvertName(((string?)e.Attribute("cref") ?? "").Split('.')[^1]) : node.ToString())), @"\s+", " ")
            .Replace("&gt;", ">", StringComparison.Ordinal).Replace("&lt;", "<", StringComparison.Ordinal).Replace("&amp;", "&", StringComparison.Ordinal).Trim();

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    /// <param name="Types">The result record, or the alternatives and the records in it.</param>
    /// <param name="Note">What the table does not say.</param>
    private sealed record Result(Type[] Types, string Note = "");
}
