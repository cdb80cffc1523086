using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.TestSupport;
using Vernier.Tokens;
using Vernier.Tokens.Templates;

namespace Vernier.Tests.Tokens;

public class ChatTemplateGoldenTests
{
    private const string File = $"{TokenizerGoldens.Folder}/chat_templates.json";

    public static TheoryData<string> Names
    {
        get
        {
            var names = new TheoryData<string>();
            if (SharedFiles.WhyMissing(File) is null)
                foreach (var template in Templates())
                    names.Add(template.Text("name"));
            return names;
        }
    }

    [SharedTheory(File), MemberData(nameof(Names))]
    public void RendersEveryCase(string name)
    {
        var golden = Templates().Single(template => template.Text("name") == name);
        var template = ChatTemplate.Parse(golden.Text("template"));
        var tokenizer = TokenizerOf(name);
        foreach (var entry in golden.GetProperty("cases").EnumerateArray())
        {
            var messages = Messages(entry);
            string Render() => template.Render(
                messages, entry.GetProperty("add_generation_prompt").GetBoolean(), golden.Text("bos_token"), golden.Text("eos_token"));
            if (entry.TryGetProperty("error", out var error))
            {
                Assert.Equal(error.GetString(), Assert.Throws<TemplateException>(Render).Message);
                continue;
            }
            Assert.Equal(entry.Text("text"), Render());
            if (entry.TryGetProperty("ids", out _))
                Assert.Equal(entry.Ids("ids"), tokenizer!.Encode(Render()));
        }
    }

    [SharedTheory(File), MemberData(nameof(Names))]
    public void MarksTheRepliesForTraining(string name)
    {
        if (TokenizerOf(name) is not { } tokenizer)
            return;
        var golden = Templates().Single(template => template.Text("name") == name);
        var template = ChatTemplate.Parse(golden.Text("template"));
        foreach (var entry in golden.GetProperty("cases").EnumerateArray())
        {
            var messages = Messages(entry);
            if (entry.TryGetProperty("error", out _))
                continue;
            var (ids, isReply) = template.EncodeForTraining(messages, tokenizer);
            var whole = tokenizer.Encode(template.Render(messages, addGenerationPrompt: false, tokenizer));
            Assert.Equal(tokenizer.AddsBos && whole[0] != tokenizer.BosId ? [tokenizer.BosId!.Value, .. whole] : whole, ids);
            var replies = Runs(ids, isReply).Select(run => tokenizer.Decode(run)).ToArray();
            var contents = messages.Where(message => message.Role == "assistant" && message.Content!.Trim().Length > 0).Select(message => message.Content!.Trim());
            Assert.Equal(contents.Count(), replies.Count(reply => reply.Contains("<|", StringComparison.Ordinal) && !reply.StartsWith("<|im_end|>", StringComparison.Ordinal) && !reply.StartsWith("<|eot_id|>", StringComparison.Ordinal)));
            foreach (var content in contents)
                Assert.Contains(replies, reply => reply.Contains(content, StringComparison.Ordinal) && !reply.Contains("user", StringComparison.Ordinal));
        }
    }

    private static IEnumerable<int[]> Runs(int[] ids, bool[] isReply)
    {
        var run = new List<int>();
        for (var i = 0; i <= ids.Length; i++)
        {
            if (i < ids.Length && isReply[i])
            {
                run.Add(ids[i]);
                continue;
            }
            if (run.Count > 0)
                yield return [.. run];
            run.Clear();
        }
    }

    private static ITokenizer? TokenizerOf(string template)
    {
        var golden = TokenizerGoldens.Goldens().FirstOrDefault(golden => template == golden || template.StartsWith(golden + "_", StringComparison.Ordinal));
        var file = TokenizerGoldens.Pairs().FirstOrDefault(row => (string)row[0] == golden)?[1] as string;
        return golden is null || golden == "llama2" || file is null ? null : TokenizerGoldens.Load(file).Tokenizer;
    }

    private static List<ChatMessage> Messages(JsonElement entry) =>
        [.. entry.GetProperty("messages").EnumerateArray().Select(message => ChatMessage.FromJson(JsonObject.Create(message)!))];

    private static List<JsonElement> Templates() => [.. JsonDocument.Parse(System.IO.File.ReadAllText(SharedFiles.At(File))).RootElement.EnumerateArray()];
}
