using System.Text.Json;
using Vernier.Cli.Tests.Terminal;
using Vernier.Files.Gguf;

namespace Vernier.Cli.Tests.Chat;

/// <summary>The chat prompt, typed and from a pipe.</summary>
public sealed class ChatTests : TemporaryFolder
{
    private const string Template = "{% for m in messages %}{{ m.role[0] }}:{{ m.content }};{% endfor %}{% if add_generation_prompt %}a:{% endif %}";

    private string Model(int context = TinyModelFile.Context)
    {
        TinyModelFile.Write(At("plain.gguf"));
        return TinyModelFile.Rewrite(At("plain.gguf"), At("model.gguf"),
            metadata => metadata.With(GgufValue.Of("tokenizer.chat_template", Template), GgufValue.Of("llama.context_length", (uint)context)));
    }

    private string[] Arguments(int context = TinyModelFile.Context, int tokens = 4) => ["chat", Model(context), "--max-tokens", $"{tokens}", "--temperature", "0", "--threads", "1"];

    [Fact]
    public void ALineOfAPipeIsAMessage()
    {
        var run = CommandLine.Start([.. Arguments(), "--json", At("chat.json")], "the quick\n\n/system the dog\n\"\"\"\nthe\nfox\n\"\"\"\n//cat\n/bye\nnever\n");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("system message: the dog\n", run.Error);
        Assert.Equal(["system the dog", "user the quick", "assistant", "user the\nfox", "assistant", "user /cat", "assistant"], Said(At("chat.json")));
    }

    [Fact]
    public void AConversationIsSavedForTuning()
    {
        var run = CommandLine.Start(Arguments(), $"the quick\n/save {At("saved.jsonl")}\n/clear\n/save {At("empty.jsonl")}\n/save {At("saved.jsonl")}\n");
        Assert.Contains("saved.jsonl: is there already", run.Error, StringComparison.Ordinal);
        Assert.Equal(1, run.ExitCode);
        Assert.Equal(["user the quick", "assistant"], Said(At("saved.jsonl")));
        Assert.Empty(Said(At("empty.jsonl")));
        Assert.Equal(0, CommandLine.Vernier("tune", At("model.gguf"), "--data", At("saved.jsonl"), "--train-on-prompt", "--steps", "1", "--threads", "1", "--out", At("run")).ExitCode);
    }

    [Fact]
    public void AdaptersComeAndGo()
    {
        Write("text.txt", string.Concat(Enumerable.Repeat("the lazy dog jumps over the quick fox\n", 40)));
        string[] arguments = Arguments(tokens: 8);
        Assert.Equal(0, CommandLine.Vernier("tune", At("model.gguf"), "--data", At("text.txt"), "--steps", "20", "--lr", "0.1", "--context", "32", "--threads", "1", "--out", At("run")).ExitCode);
        var tuned = CommandLine.Start([.. arguments, "--adapter", At("run")], "the\n").Output;
        var plain = CommandLine.Start(arguments, "the\n").Output;
        Assert.NotEqual(plain, tuned);
        var both = CommandLine.Start(arguments, $"the\n/clear\n/adapter {At("run")}\nthe\n/clear\n/adapter none\nthe\n");
        Assert.True(both.ExitCode == 0, both.Error);
        Assert.Equal(plain + tuned + plain, both.Output);
        Assert.Equal(1, CommandLine.Start(arguments, $"/adapter {At("nowhere")}\n").ExitCode);
    }

    [Fact]
    public void TheOldestTurnsAreForgotten()
    {
        var run = CommandLine.Start([.. Arguments(tokens: 16), "--system", "dog", "--json", At("chat.json")], string.Concat(Enumerable.Repeat("the quick brown fox\n", 8)));
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("vernier: the conversation is longer than the context of 64 tokens: the oldest 2 messages are forgotten", run.Error, StringComparison.Ordinal);
        Assert.Equal(17, Said(At("chat.json")).Count); // the record keeps them
        var tooLong = CommandLine.Start(Arguments(), string.Concat(Enumerable.Repeat("0123456789", 10)) + "\n").Refusal();
        Assert.Contains("the model's context holds 64", tooLong, StringComparison.Ordinal);
    }

    [Fact]
    public void AnUnknownCommandIsNoMessage() => Assert.Contains("/hlep is no command", CommandLine.Start(Arguments(), "/hlep\n").Refusal(), StringComparison.Ordinal);

    [TerminalTheory]
    [InlineData(20)]
    [InlineData(80)]
    public void ALineIsEditedAndRecalled(int columns)
    {
        using var terminal = new PseudoTerminal(columns, [], "", Arguments());
        Prompt(terminal, 1);
        terminal.Type("/systemx abcd\e[D\e[D\u007f\e[H" + string.Concat(Enumerable.Repeat("\e[C", 7)) + "\e[3~\e[F!\r"); // takes away the x and the b, adds a !
        Prompt(terminal, 2);
        Assert.Contains("system message: acd!", terminal.Screen.Text, StringComparison.Ordinal);
        terminal.Type("\e[A\u007f\u0017no\r"); // the line before, its last word replaced
        Prompt(terminal, 3);
        terminal.Type("thrown away\u0003/system\r");
        terminal.WaitFor(screen => Count(screen.Text, "system message: no") == 2, "the changed message, set and shown");
        terminal.Type("\u0004");
        Assert.Equal(0, terminal.Finish());
    }

    [TerminalFact]
    public void CtrlCEndsTheAnswerAndThenTheChat()
    {
        using var terminal = new PseudoTerminal(80, [], "", [.. Arguments(context: 60000, tokens: 50000), "--json", At("chat.json")]);
        Prompt(terminal, 1);
        terminal.Type("the quick\r");
        terminal.WaitFor(screen => screen.Rows.Count > 3, "the beginning of an answer");
        terminal.Type("\u0003");
        terminal.WaitFor(screen => screen.Text.Contains("\nthe answer was ended\n> ", StringComparison.Ordinal) || screen.Text.EndsWith("\nthe answer was ended\n>\n", StringComparison.Ordinal), "the prompt again");
        terminal.Type("\u0003");
        Assert.Equal(0, terminal.Finish());
        Assert.Equal(["user the quick", "assistant"], Said(At("chat.json")));
    }

    [TerminalFact]
    public void MistakesAreSaidAndTheChatGoesOn()
    {
        using var terminal = new PseudoTerminal(120, [], "", Arguments());
        Prompt(terminal, 1);
        terminal.Type("/hlep\r");
        Prompt(terminal, 2);
        terminal.Type(new string('x', 200) + "\r");
        Prompt(terminal, 3);
        Assert.Contains("/hlep is no command", terminal.Screen.Text, StringComparison.Ordinal);
        Assert.Contains("the model's context holds 64", terminal.Screen.Text, StringComparison.Ordinal);
        terminal.Type("/exit\r");
        Assert.Equal(0, terminal.Finish());
    }

    /// <summary>Waits for the prompt that asks for a message for the <paramref name="number"/>th time.</summary>
    private static void Prompt(PseudoTerminal terminal, int number) =>
        terminal.WaitFor(screen => screen.Rows.Count(row => row.StartsWith('>')) >= number && screen.Rows[^1] == ">", $"prompt {number}");

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    /// <summary>The messages, with the texts of those that a person wrote.</summary>
    private static List<string> Said(string path) =>
        [.. JsonDocument.Parse(File.ReadAllText(path)).RootElement.GetProperty("messages").EnumerateArray()
            .Select(m => (Role: m.GetProperty("role").GetString()!, Text: m.GetProperty("content").GetString()!)).Select(m => m.Role == "assistant" ? m.Role : $"{m.Role} {m.Text}")];
}
