using System.Text.Encodings.Web;
using System.Text.Json;
using Vernier.Cli.Terminal;
using Vernier.Files.Disk;
using Vernier.Generation;
using Vernier.Tokens.Templates;

namespace Vernier.Cli.Chat;

/// <summary>What a person at the prompt of <c>chat</c> does: messages, and commands that begin with a slash.</summary>
/// <param name="reader">Where messages come from.</param>
/// <param name="asks">A person types them: what goes wrong with one is said, and the next is asked for. From a file or a pipe it ends the chat.</param>
internal sealed class ChatSession(Conversation conversation, MessageReader reader, bool asks, CancellationToken stop)
{
    private static readonly (string Typed, string Does)[] Help =
    [
        ("/help", "this list"),
        ("/system TEXT", "sets the system message; without TEXT it is shown"),
        ("/adapter DIR", "loads the adapter that tune wrote to DIR; none goes back to the model alone"),
        ("/clear", "forgets the conversation; the system message stays"),
        ("/save FILE", "writes the conversation as one line of JSON, which tune --data reads"),
        ("/exit, /bye", "ends the chat, and so do Ctrl-D and, with nothing typed, Ctrl-C"),
        ("\\", "at the end of a line: the message goes on in the next one"),
        ("\"\"\"", "opens and closes a message of several lines"),
        ("//", "begins a message that begins with a slash"),
        ("Ctrl-C", "ends an answer"),
    ];

    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Until the user ends it or the input is at its end.</summary>
    public void Run()
    {
        if (asks)
            Console.Error.WriteLine("Type a message. /help lists the commands, /exit ends.");
        while (reader.Read() is { } text)
        {
            try
            {
                if (text.StartsWith('/') && !text.StartsWith("//", StringComparison.Ordinal))
                {
                    if (!Obey(text))
                        return;
                }
                else if (!string.IsNullOrWhiteSpace(text))
                {
                    Say(text.StartsWith("//", StringComparison.Ordinal) ? text[1..] : text);
                }
            }
            catch (Exception e) when (asks && e is InvalidDataException or NotSupportedException or TemplateException or IOException or UnauthorizedAccessException or ArgumentException)
            {
                Console.Error.WriteLine($"vernier: {e.Message}");
            }
        }
    }

    private void Say(string text)
    {
        using var breakOff = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var interrupt = asks ? Interruption.OnInterrupt(() => _ = breakOff.CancelAsync()) : null;
        var said = conversation.Say(text, Write, breakOff.Token);
        stop.ThrowIfCancellationRequested();
        Console.Out.WriteLine();
        if (said.Ends is null)
            Console.Error.WriteLine("the answer was ended");
        if (said.Forgotten > 0)
            Console.Error.WriteLine($"vernier: the conversation is longer than the context of {conversation.Context} tokens: the oldest {said.Forgotten} messages are forgotten");
        if (asks && said.Ends == StopReason.MaxTokens)
            Console.Error.WriteLine("the answer is cut: --max-tokens allows longer ones");
        if (said.Ends == StopReason.Context)
            Console.Error.WriteLine($"vernier: the context of {conversation.Context} tokens is full: the answer is cut");
    }

    private static void Write(string text)
    {
        Screen.ModelOutput.Write(text);
        Screen.ModelOutput.Flush();
    }

    /// <summary>Follows a command.</summary>
    /// <returns>false where it ends the chat.</returns>
    private bool Obey(string command)
    {
        var space = command.IndexOfAny([' ', '\t', '\n']);
        var (name, rest) = space < 0 ? (command, "") : (command[..space], command[space..].Trim());
        switch (name)
        {
            case "/exit" or "/bye":
                return false;
            case "/help":
                foreach (var row in Help.SelectMany(help => WordWrap.Rows($"{help.Typed,-14} ", help.Does, Screen.ErrorRewrites ? Screen.Width : int.MaxValue)))
                    Console.Error.WriteLine(row);
                break;
            case "/clear":
                conversation.Clear();
                Console.Error.WriteLine("forgotten");
                break;
            case "/system":
                SetSystem(rest);
                break;
            case "/adapter":
                ChangeAdapter(rest);
                break;
            case "/save":
                Save(rest);
                break;
            default:
                throw new ArgumentException($"{name} is no command; /help lists them, and a message that begins with a slash is typed with two");
        }
        return true;
    }

    private void SetSystem(string text)
    {
        if (text.Length > 0)
            conversation.System = text;
        Console.Error.WriteLine(conversation.System is { } now ? $"system message: {now}" : "no system message");
    }

    private void ChangeAdapter(string folder)
    {
        if (folder.Length > 0)
            conversation.ChangeAdapter(folder == "none" ? null : folder);
        Console.Error.WriteLine(conversation.AdapterFolder is { } now ? $"adapter: {now}" : "no adapter");
    }

    private void Save(string path)
    {
        if (path.Length == 0)
            throw new ArgumentException("/save needs a file name");
        if (Path.Exists(path))
            throw new IOException($"{path}: is there already; give another name");
        var line = JsonSerializer.Serialize(new { messages = conversation.Messages.Select(m => new { role = m.Role, content = m.Content }) }, Compact);
        OutputFile.WriteAllText(path, line + "\n");
        Console.Error.WriteLine($"saved in {path}");
    }
}
