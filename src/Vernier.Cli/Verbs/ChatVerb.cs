using System.CommandLine;
using Vernier.Cli.Arguments;
using Vernier.Cli.Chat;
using Vernier.Cli.Terminal;
using Vernier.Models;

namespace Vernier.Cli.Verbs;

/// <summary><c>chat MODEL</c>: a conversation by the model's own chat template. Where standard input is no terminal, a line of it is a message.</summary>
internal static class ChatVerb
{
    public static Command Create()
    {
        var (command, common, model) = ModelArguments.NewCommand("chat", "Talk to the model by its own chat template; /help lists what can be typed", ComputeMode.Int8);
        var system = new Option<string?>("--system") { Description = "System message", HelpName = "TEXT" }.Marked(OutputKind.Text);
        command.Add(system);
        var raw = TunedPrompt.AddRawTo(command);
        var sampling = SamplingArguments.AddTo(command, common, temperature: 0.7f);
        command.SetAction((parsed, stop) =>
        {
            using var conversation = new Conversation(folder => model.OpenForPrompts(parsed, folder, parsed.GetValue(raw)), parsed.GetValue(model.AdapterFolder), sampling.Read(parsed), parsed.GetValue(system));
            new ChatSession(conversation, new MessageReader(Lines(stop)), asks: !Console.IsInputRedirected, stop).Run();
            JsonResult.Write(parsed.GetValue(common.Json), new { messages = conversation.Messages.Select(m => new { m.Role, m.Content }) });
            return Task.FromResult(0);
        });
        return command;
    }

    private static Func<string, string?> Lines(CancellationToken stop)
    {
        if (LineEditor.IsPossible)
            return new LineEditor().Read;
        return prompt =>
        {
            if (!Console.IsInputRedirected)
                Console.Error.Write(prompt);
            stop.ThrowIfCancellationRequested();
            return Console.In.ReadLine();
        };
    }
}
