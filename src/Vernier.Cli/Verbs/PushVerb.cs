using System.CommandLine;
using System.Globalization;
using Vernier.Cli.Arguments;
using Vernier.Cli.Terminal;
using Vernier.Files.Disk;
using Vernier.Files.Hub;

namespace Vernier.Cli.Verbs;

/// <summary><c>push PATH OWNER/NAME</c>: an adapter, a model folder or a file, into a repository of the hub by one commit.</summary>
internal static class PushVerb
{
    public static Command Create()
    {
        var (command, common) = CommonOptions.NewCommand("push", "Write an adapter, a model folder or a file into a repository of the Hugging Face hub, by one commit");
        var path = new Argument<string>("PATH") { Description = "A folder, without its checkpoints and hidden files, or a file" };
        var repository = new Argument<string>("REPOSITORY") { Description = "OWNER/NAME or OWNER/NAME@BRANCH; made where it is not there" };
        var include = new Option<string[]>("--include") { Description = "Only files whose path matches, e.g. 'adapter*'; may be repeated", HelpName = "GLOB" }.Marked(OutputKind.Text);
        var message = new Option<string>("--message") { Description = "What the commit says", HelpName = "TEXT", DefaultValueFactory = _ => "Upload with vernier" }.Marked(OutputKind.Text);
        var isPrivate = new Option<bool>("--private") { Description = "Make a new repository that only its owner sees" };
        command.Add(path);
        command.Add(repository);
        foreach (var option in (Option[])[include, message, isPrivate])
            command.Add(option);
        command.SetAction(async (parsed, stop) =>
        {
            var reference = HubArguments.Parse(parsed.GetRequiredValue(repository));
            if (reference.File is not null)
                throw new UsageException($"REPOSITORY {parsed.GetRequiredValue(repository)}: expected OWNER/NAME, files keep their names");
            var files = Files(parsed.GetRequiredValue(path), parsed.GetValue(include) ?? []);
            HubPush result;
            using (var line = new ProgressLine($"push {reference.Repository}"))
            using (var hub = new HubUpload(HubSettings.FromEnvironment(), HubArguments.Progress(line)))
                result = await hub.PushAsync(reference, files, parsed.GetRequiredValue(message), parsed.GetValue(isPrivate), stop);
            var json = parsed.GetValue(common.Json);
            if (json != "-")
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Url}: {result.Files.Count} files, {result.Bytes / 1e6:F1} MB stored"));
            JsonResult.Write(json, result);
            return 0;
        });
        return command;
    }

    private static List<HubUploadFile> Files(string path, string[] include)
    {
        if (!Directory.Exists(path))
            return [new HubUploadFile(path, Path.GetFileName(path), InputFile.Require(path))];
        var all = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };
        var files = Directory.EnumerateFiles(path, "*", all).Select(file => (File: file, Name: Path.GetRelativePath(path, file).Replace('\\', '/')))
            .Where(file => !file.Name.Split('/').Any(part => part.StartsWith('.')) && !file.Name.StartsWith("checkpoint-", StringComparison.Ordinal) && HubPath.Matches(file.Name, include))
            .OrderBy(file => file.Name, StringComparer.Ordinal).Select(file => new HubUploadFile(file.File, file.Name, InputFile.Require(file.File))).ToList();
        return files.Count > 0 ? files : throw new InvalidDataException($"{path}: no file to push");
    }
}
