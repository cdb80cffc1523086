using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Vernier.Cli.Terminal;
using Vernier.Files.Hub;

namespace Vernier.Cli.Arguments;

/// <summary>Models of the hub where a path could stand: <c>hf:OWNER/NAME[@REVISION][/FILE]</c> is brought into the cache, and its path there takes its place.</summary>
internal static class HubArguments
{
    private static readonly string[] s_own = ["pull", "push"];

    /// <summary>What the arguments of a verb that name models of the hub are on the disk.</summary>
    /// <returns>The same words, with paths in place of references.</returns>
    /// <exception cref="UsageException">A reference names no repository.</exception>
    public static async Task<string[]> ResolveAsync(ParseResult parsed, string[] args, CancellationToken stop)
    {
        if (s_own.Contains(parsed.CommandResult.Command.Name))
            return args;
        var words = (string[])args.Clone();
        foreach (var word in parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).Select(token => token.Value).Where(HubReference.Is).Distinct().ToList())
        {
            var path = await PathAsync(word, stop);
            words = [.. words.Select(given => given == word ? path : given)];
        }
        return words;
    }

    /// <summary>A path as it is; of a reference, where its model is after it was brought.</summary>
    public static string Path(string model, CancellationToken stop) => HubReference.Is(model) ? PathAsync(model, stop).GetAwaiter().GetResult() : model;

    /// <exception cref="UsageException">The text names no repository.</exception>
    public static HubReference Parse(string text)
    {
        try
        {
            return HubReference.Parse(text);
        }
        catch (InvalidDataException e)
        {
            throw new UsageException(e.Message);
        }
    }

    /// <summary>Shows bytes on a line of progress.</summary>
    public static Action<long, long> Progress(ProgressLine line) => (done, total) => line.Report((int)(done >> 20), (int)(total >> 20),
        parts: [string.Create(CultureInfo.InvariantCulture, $"{done / 1e6:F1} of {total / 1e6:F1} MB")]);

    private static async Task<string> PathAsync(string word, CancellationToken stop)
    {
        var reference = Parse(word);
        using var line = new ProgressLine($"pull {reference.Repository}");
        using var hub = new HubModels(HubSettings.FromEnvironment(), Progress(line));
        return await hub.ModelAsync(reference, stop);
    }
}
