using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.TestSupport;
using Vernier.Tokens;
using Vernier.Tokens.Templates;

namespace Vernier.Tests.Tokens;

public class ChatTemplateGoldenTests
{
    /// <summary>Files of goldens and the names of their templates.</summary>
    public static TheoryData<string, string> Templates => Rows((_, _) => true);

    /// <summary>Those whose tokenizer lies beside the goldens.</summary>
    public static TheoryData<string, string> TemplatesWithTokenizers => Rows((file, name) => TokenizerOf(file, name) is not null);

    [Theory, MemberData(nameof(Templates))]
    public void RendersEveryCase(string file, string name)
    {
        var golden = Read(file).Single(template => template.Text("name") == name);
        var template = ChatTemplate.Parse(golden.Text("template"));
        var tokenizer = TokenizerOf(file, name);
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
            if (tokenizer is not null && entry.TryGetProperty("ids", out _))
                Assert.Equal(entry.Ids("ids"), tokenizer.Encode(Render()));
        }
    }

    [SharedTheory("tokenizers/llama3/tokenizer.json"), MemberData(nameof(TemplatesWithTokenizers))]
    public void MarksTheRepliesForTraining(string file, string name)
    {
        var tokenizer = TokenizerOf(file, name)!;
        var golden = Read(file).Single(template => template.Text("name") == name);
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

    private static TheoryData<string, string> Rows(Func<string, string, bool> where)
    {
        var rows = new TheoryData<string, string>();
        foreach (var file in SharedFiles.Folders(TokenizerGoldens.Folder).Select(place => SharedFiles.NameOf(Path.Combine(place, "chat_templates.json"))))
            foreach (var name in Read(file).Select(template => template.Text("name")).Where(name => where(file, name)))
                rows.Add(file, name);
        return rows;
    }

    /// <summary>The tokenizer that the golden ids of a template are of: that of the golden file whose name the template's begins with. Llama 2's has ids of its own rules.</summary>
    private static ITokenizer? TokenizerOf(string file, string template)
    {
        var pair = TokenizerGoldens.Pairs().FirstOrDefault(row => Path.GetDirectoryName((string)row[0]) == Path.GetDirectoryName(file)
            && $"{template}_".StartsWith(Path.GetFileNameWithoutExtension((string)row[0]) + "_", StringComparison.Ordinal));
        return pair is null || template.StartsWith("llama2", StringComparison.Ordinal) ? null : TokenizerGoldens.Load((string)pair[1]).Tokenizer;
    }

    private static List<ChatMessage> Messages(JsonElement entry) =>
        [.. entry.GetProperty("messages").EnumerateArray().Select(message => ChatMessage.FromJson(JsonObject.Create(message)!))];

    private static List<JsonElement> Read(string file) => [.. JsonDocument.Parse(File.ReadAllText(SharedFiles.At(file))).RootElement.EnumerateArray()];
}
