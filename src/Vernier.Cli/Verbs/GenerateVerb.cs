using System.CommandLine;
using Vernier.Cli.Arguments;
using Vernier.Cli.Terminal;
using Vernier.Generation;
using Vernier.Models;

namespace Vernier.Cli.Verbs;

/// <summary><c>generate MODEL --prompt TEXT or --prompt-ids 1,2,3</c>: what the model writes next, streamed.</summary>
internal static class GenerateVerb
{
    public static Command Create()
    {
        var (command, common, model) = ModelArguments.NewCommand("generate", "Generate text after a prompt", ComputeMode.Int8);
        var prompt = new Option<string?>("--prompt") { Description = "The text to go on from; special tokens in it are parsed. With an adapter it is put into the form of the prompts that the adapter was tuned on", HelpName = "TEXT" }.Marked(OutputKind.Text);
        var ids = new Option<string?>("--prompt-ids") { Description = "Token ids to go on from, separated by commas", HelpName = "1,2,3" }.Marked(OutputKind.Text);
        command.Add(prompt);
        command.Add(ids);
        var raw = TunedPrompt.AddRawTo(command);
        var sampling = SamplingArguments.AddTo(command, common, temperature: 0);
        command.SetAction((parsed, stop) =>
        {
            var (text, numbers) = (parsed.GetValue(prompt), parsed.GetValue(ids));
            if (text is null == numbers is null)
                throw new UsageException("give either --prompt or --prompt-ids");
            var tuned = model.OpenForPrompts(parsed, parsed.GetValue(model.AdapterFolder), parsed.GetValue(raw));
            using var loaded = tuned.Model;
            var start = numbers is not null ? ParseIds(numbers) : tuned.Encode(text!);
            Run(loaded, start, sampling.Read(parsed), parsed.GetValue(common.Json), stop);
            return Task.FromResult(0);
        });
        return command;
    }

    private static void Run(LanguageModel model, int[] prompt, GenerationOptions options, string? json, CancellationToken stop)
    {
        using var generator = new TokenGenerator(model);
        var made = new List<int>();
        var text = new System.Text.StringBuilder();
        var streams = json != "-";
        foreach (var token in generator.Generate(prompt, options, stop))
        {
            made.Add(token.Id);
            text.Append(token.Text);
            if (streams)
                Screen.ModelOutput.Write(token.Text);
            if (streams)
                Screen.ModelOutput.Flush();
        }
        if (streams)
            Console.Out.WriteLine();
        JsonResult.Write(json, new { text = text.ToString(), ids = made });
    }

    private static int[] ParseIds(string text)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return [.. parts.Select(p => int.TryParse(p, out var id) ? id : throw new UsageException($"--prompt-ids: '{p}' is not a token id"))];
    }
}
