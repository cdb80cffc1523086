using System.CommandLine;
using System.Text;
using Vernier.Cli.Terminal;
using Vernier.Generation;
using Vernier.Models;
using Vernier.Tokens;

namespace Vernier.Cli.Verbs;

/// <summary><c>chat MODEL</c>: a conversation by the model's own chat template. One line of standard input is one message.</summary>
internal static class ChatVerb
{
    public static Command Create()
    {
        var command = new Command("chat", "Talk to the model by its own chat template");
        var common = CommonOptions.AddTo(command);
        var model = ModelArguments.AddTo(command, common, ComputeMode.Int8);
        var system = new Option<string?>("--system") { Description = "System message", HelpName = "TEXT" };
        command.Add(system);
        var sampling = SamplingArguments.AddTo(command, common, temperature: 0.7f);
        command.SetAction((parsed, stop) =>
        {
            using var loaded = model.Open(parsed);
            var tokenizer = Prompts.Tokenizer(loaded);
            var source = loaded.ChatTemplateSource ?? throw new InvalidDataException($"{loaded.Source.Path}: the model has no chat template; use generate");
            var messages = new List<ChatMessage>();
            if (parsed.GetValue(system) is { } text)
                messages.Add(new ChatMessage("system", text));
            Talk(loaded, tokenizer, ChatTemplate.Parse(source), messages, sampling.Read(parsed), stop);
            JsonResult.Write(parsed.GetValue(common.Json), new { messages = messages.Select(m => new { m.Role, m.Content }) });
            return Task.FromResult(0);
        });
        return command;
    }

    private static void Talk(LanguageModel model, ITokenizer tokenizer, ChatTemplate template, List<ChatMessage> messages, GenerationOptions options, CancellationToken stop)
    {
        using var generator = new TokenGenerator(model);
        var asks = !Console.IsInputRedirected;
        if (asks)
            Console.Error.WriteLine("An empty line or Ctrl-D ends.");
        while (Read(asks) is { Length: > 0 } line)
        {
            messages.Add(new ChatMessage("user", line));
            var reply = new StringBuilder();
            foreach (var token in generator.Generate(tokenizer.Encode(template.Render(messages, addGenerationPrompt: true, tokenizer)), options))
            {
                stop.ThrowIfCancellationRequested();
                if (token.Ends == StopReason.Context)
                    Console.Error.WriteLine($"vernier: the context of {model.Config.ContextLength} tokens is full");
                reply.Append(token.Text);
                Screen.ModelOutput.Write(token.Text);
                Screen.ModelOutput.Flush();
            }
            Console.Out.WriteLine();
            messages.Add(new ChatMessage("assistant", reply.ToString()));
        }
    }

    private static string? Read(bool asks)
    {
        if (asks)
            Console.Error.Write("> ");
        return Console.In.ReadLine();
    }
}
