using System.CommandLine;
using System.Globalization;
using Vernier.Cli.Arguments;
using Vernier.Cli.Terminal;
using Vernier.Files.Hub;

namespace Vernier.Cli.Verbs;

/// <summary><c>pull OWNER/NAME[@REVISION] [--include GLOB]</c>: files of a repository of the hub, into the cache that Hugging Face's own library uses.</summary>
internal static class PullVerb
{
    public static Command Create()
    {
        var (command, common) = CommonOptions.NewCommand("pull", "Bring files of a repository of the Hugging Face hub into its cache, and say where they are");
        var repository = new Argument<string>("REPOSITORY") { Description = "OWNER/NAME, OWNER/NAME@REVISION or OWNER/NAME/FILE" };
        var include = new Option<string[]>("--include") { Description = "Only files whose path matches, e.g. '*Q4_K_M*.gguf'; may be repeated", HelpName = "GLOB" }.Marked(OutputKind.Text);
        command.Add(repository);
        command.Add(include);
        command.SetAction(async (parsed, stop) =>
        {
            var reference = HubArguments.Parse(parsed.GetRequiredValue(repository));
            HubPull result;
            using (var line = new ProgressLine($"pull {reference.Repository}"))
            using (var hub = new HubModels(HubSettings.FromEnvironment(), HubArguments.Progress(line)))
                result = await hub.PullAsync(reference, parsed.GetValue(include) ?? [], stop);
            var json = parsed.GetValue(common.Json);
            if (json != "-")
            {
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Repository} at {result.Commit}: {result.Files.Count} files, {result.Bytes / 1e6:F1} MB brought"));
                Console.Out.WriteLine(result.Files.Count == 1 ? Path.Combine([result.Folder, .. result.Files[0].Split('/')]) : result.Folder);
            }
            JsonResult.Write(json, result);
            return 0;
        });
        return command;
    }
}
