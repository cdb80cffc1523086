using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Vernier.Files.Disk;
using Vernier.Kernels;

namespace Vernier.Cli.Arguments;

/// <summary>The one place that looks at every path of a command line before a verb begins: no output replaces an input, by whatever name, and nothing that is
/// there is overwritten without <c>--force</c>. Whatever is not marked as written or as text counts as read.</summary>
internal static partial class OutputGuard
{
    private static readonly ConditionalWeakTable<Symbol, object> s_kinds = [];

    /// <summary>A path and the option or argument that names it.</summary>
    public readonly record struct Named(string Name, string Path);

    /// <summary>Says what an option names.</summary>
    public static Option<T> Marked<T>(this Option<T> option, OutputKind kind)
    {
        s_kinds.AddOrUpdate(option, kind);
        return option;
    }

    /// <summary>Checks all that a parsed command line names.</summary>
    /// <exception cref="UsageException">An output would overwrite an input, another output, or something that is there.</exception>
    public static void Check(ParseResult parsed)
    {
        var force = parsed.GetResult("--force") is OptionResult given && given.GetValueOrDefault<bool>();
        var outputs = new List<(Named What, OutputKind Kind)>();
        var inputs = new List<Named>();
        for (var command = parsed.CommandResult; command is not null; command = command.Parent as CommandResult)
            foreach (var child in command.Children)
                foreach (var (symbol, name, value) in Values(child))
                    if (!s_kinds.TryGetValue(symbol, out var kind))
                        inputs.AddRange(Candidates(name, value));
                    else if ((OutputKind)kind is not OutputKind.Text && value.Length > 0)
                        outputs.Add((new(name, value), (OutputKind)kind));
        RequireNamed(parsed);
        RequireApart([.. outputs.Select(o => o.What)], inputs);
        foreach (var (what, kind) in outputs.Where(o => !OutputFile.IsStream(o.What.Path)))
            RequireFree(what, kind, force);
    }

    /// <summary>No path is empty: a variable that a script forgot to set.</summary>
    private static void RequireNamed(ParseResult parsed)
    {
        foreach (var (symbol, name, _) in parsed.CommandResult.Children.SelectMany(Values).Where(v => string.IsNullOrWhiteSpace(v.Value)))
            if (symbol is Argument || s_kinds.TryGetValue(symbol, out var kind) && (OutputKind)kind is not OutputKind.Text || symbol is Option { HelpName: "FILE" or "DIR" or "PATH" })
                throw new UsageException($"{name} is empty, expected a path");
    }

    /// <summary>Checks outputs against inputs that become known later, such as those of a run file.</summary>
    /// <exception cref="UsageException">An output would overwrite an input or another output.</exception>
    public static void RequireApart(IReadOnlyList<Named> outputs, IReadOnlyList<Named> inputs)
    {
        var written = outputs.Where(o => !OutputFile.IsStream(o.Path)).ToList();
        foreach (var output in written)
            foreach (var input in inputs.Where(i => FileIdentity.Of(i.Path).Kind is FileKind.Regular or FileKind.Folder))
                if (WhyNot(output, input) is { } reason)
                    throw new UsageException($"{output.Name} {output.Path} would overwrite {input.Name}{(reason.Length > 0 ? $" ({input.Path}): {reason}" : "")}");
        for (var i = 0; i < written.Count; i++)
            foreach (var other in written[..i].Where(other => other.Path.Length > 0 && FilePlace.IsSame(other.Path, written[i].Path)))
                throw new UsageException($"{written[i].Name} {written[i].Path} would overwrite {other.Name}");
    }

    /// <summary>null where the output leaves the input as it is; else why not, empty where they are the same.</summary>
    private static string? WhyNot(Named output, Named input)
    {
        if (FilePlace.IsSame(output.Path, input.Path))
            return "";
        var folder = Directory.Exists(input.Path);
        if (folder && FilePlace.IsInside(output.Path, input.Path))
            return RunFiles.IsBesideAdapter(output.Path, input.Path) ? null : "it lies inside it; give a place outside";
        if (folder && FilePlace.FindInside(input.Path, output.Path) is { } file)
            return $"it is the same file as {file}";
        if (Directory.Exists(output.Path) && FilePlace.IsInside(input.Path, output.Path))
            return RunFiles.IsOwnRunFile(output.Path, input.Path) ? null : "it lies inside the folder that is written; give another folder";
        return null;
    }

    /// <summary>Refuses what is there already.</summary>
    private static void RequireFree(Named output, OutputKind kind, bool force)
    {
        if (kind == OutputKind.Run)
            return;
        var found = FileIdentity.Of(output.Path).Kind;
        if (found == FileKind.Folder && kind is (OutputKind.File or OutputKind.Rows or OutputKind.Result))
            throw new UsageException($"{output.Name} {output.Path}: is a folder, and a file is to be written");
        if (found == FileKind.Regular && kind == OutputKind.Folder)
            throw new UsageException($"{output.Name} {output.Path}: is a file, and a folder is to be written");
        if (kind is (OutputKind.File or OutputKind.Rows or OutputKind.Result) && Path.GetDirectoryName(Path.GetFullPath(output.Path)) is { } parent && !Directory.Exists(parent))
            throw new DirectoryNotFoundException($"{output.Name} {output.Path}: there is no folder {parent}");
        if (force)
            return;
        if (found == FileKind.Regular && new FileInfo(output.Path).Length > 0 && !IsEarlierResult(output.Path, kind))
            throw new UsageException($"{output.Name} {output.Path} would overwrite a file that is there: give another name, or --force to replace it");
        if (found == FileKind.Folder && Directory.EnumerateFileSystemEntries(output.Path).FirstOrDefault() is { } first)
            throw new UsageException($"{output.Name} {output.Path} would overwrite what is in that folder ({Path.GetFileName(first)}): give another name, or --force to write into it");
    }

    private static bool IsEarlierResult(string path, OutputKind kind) =>
        kind == OutputKind.Result && RunFiles.IsJsonResult(path) || kind == OutputKind.Rows && RunFiles.IsRowsResult(path);

    /// <summary>The texts of an option or argument; defaults too, since they are written to as well.</summary>
    private static IEnumerable<(Symbol Symbol, string Name, string Value)> Values(SymbolResult result) => result switch
    {
        OptionResult { Implicit: true } o when o.Option is Option<string> && s_kinds.TryGetValue(o.Option, out _) && o.GetValueOrDefault<string>() is { } value => [(o.Option, o.Option.Name, value)],
        OptionResult o when o.Option.ValueType == typeof(string) || o.Option.ValueType == typeof(string[]) => o.Tokens.Select(t => ((Symbol)o.Option, o.Option.Name, t.Value)),
        ArgumentResult a when a.Argument.ValueType == typeof(string) || a.Argument.ValueType == typeof(string[]) => a.Tokens.Select(t => ((Symbol)a.Argument, a.Argument.Name, t.Value)),
        _ => [],
    };

    /// <summary>A value that names something that is there, also behind <c>NAME=</c>.</summary>
    private static IEnumerable<Named> Candidates(string name, string value)
    {
        if (value.Length == 0 || value.Contains('\0'))
            yield break;
        yield return new(name, value);
        foreach (var shard in OtherShards(value))
            yield return new(name, shard);
        if (value.IndexOf('=') is > 0 and var at && at + 1 < value.Length)
            yield return new(name, value[(at + 1)..]);
    }

    /// <summary>The same paths, and the files beside those that are shards.</summary>
    public static IReadOnlyList<Named> WithShards(IReadOnlyList<Named> inputs) => [.. inputs.SelectMany(i => (Named[])[i, .. OtherShards(i.Path).Select(path => i with { Path = path })])];

    /// <summary>The files beside a shard of a split model that are read with it.</summary>
    private static IEnumerable<string> OtherShards(string path)
    {
        if (ShardName().Match(path) is not { Success: true } match || !File.Exists(path))
            return [];
        var (start, end) = (match.Groups["start"].Value, match.Groups["end"].Value);
        return Directory.EnumerateFiles(Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : ".")
            .Select(file => Path.Combine(Path.GetDirectoryName(path)!, Path.GetFileName(file)))
            .Where(file => ShardName().Match(file) is { Success: true } other && other.Groups["start"].Value == start && other.Groups["end"].Value == end && file != path);
    }

    [GeneratedRegex(@"^(?<start>.*)-[0-9]{5}(?<end>-of-[0-9]{5}\.[A-Za-z]+)$", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex ShardName();
}
