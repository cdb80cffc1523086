using System.Text;
using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

/// <summary>A damaged file of a tokenizer folder is refused with its name.</summary>
public class DamagedTokenizerTests
{
    private static readonly string[] ConfigFiles = ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "generation_config.json", "config.json"];

    public static TheoryData<string, string> Damages()
    {
        var data = new TheoryData<string, string>();
        foreach (var file in (string[])[.. ConfigFiles, "tokenizer.json"])
            foreach (var damage in new[] { "half a character", "half a pair", "half a pair as a name", "nesting", "cut", "list", "empty" })
                if ((file, damage) is not ("added_tokens.json", "half a pair") and not ("generation_config.json" or "config.json", "half a pair" or "half a pair as a name"))
                    data.Add(file, damage);
        return data;
    }

    [Theory, MemberData(nameof(Damages))]
    public void IsRefusedByName(string file, string damage)
    {
        byte[] content = damage switch
        {
            "half a character" => [.. "{\"bos_token\":\""u8, 0xC3, .. "\"}"u8],
            "half a pair" => Encoding.UTF8.GetBytes("""{"bos_token":"\ud800","model":{"type":"\udc00"},"chat_template":"\ud800"}"""),
            "half a pair as a name" => Encoding.UTF8.GetBytes("""{"added_tokens_decoder":{"\ud800":{}},"\ud800":"\ud800","additional_special_tokens":["\ud800"],"model":{"vocab":{"\ud800":1}}}"""),
            "nesting" => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"bos_token\":", 100_000))),
            "cut" => "{\"bos_token\":"u8.ToArray(),
            "list" => "[]"u8.ToArray(),
            _ => [],
        };
        MadeTokenizer.InFolder([], folder =>
        {
            File.WriteAllText(Path.Combine(folder, "tokenizer.json"), MadeTokenizer.Json());
            File.WriteAllBytes(Path.Combine(folder, file), content);
            var refusal = Assert.Throws<InvalidDataException>(() => TokenizerLoader.FromFolder(folder));
            Assert.Contains(Path.Combine(folder, file), refusal.Message, StringComparison.Ordinal);
            return true;
        });
    }

    [Theory]
    [InlineData("""{"model":{"type":"BPE","vocab":[1]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":"b"}}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0,"b":2000000000}}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[1]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}""")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[["a"]]}}""")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[["a","b"]]}}""")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[["a",1e999]]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0}},"added_tokens":[{"content":"a"}]}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0}},"added_tokens":[1]}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0}},"normalizer":{"type":"Precompiled","precompiled_charsmap":"!"}}""")]
    public void AWrongValueIsRefused(string json) => Assert.Contains("tokenizer.json", Assert.Throws<InvalidDataException>(() => MadeTokenizer.Read(json)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("merges.txt")]
    [InlineData("chat_template.jinja")]
    [InlineData("vocab.json")]
    public void TextThatIsNotUtf8IsRefused(string file) => MadeTokenizer.InFolder(
        [("vocab.json", MadeTokenizer.Vocabulary().ToJsonString()), ("merges.txt", "t h\n")], folder =>
        {
            File.WriteAllBytes(Path.Combine(folder, file), [(byte)'t', 0xFF]);
            Assert.Contains($"{file}: byte 1: not UTF-8", Assert.Throws<InvalidDataException>(() => TokenizerLoader.FromFolder(folder)).Message, StringComparison.Ordinal);
            return true;
        });

    [Fact]
    public void AByteOrderMarkIsNoDamage() => Assert.Equal([256], MadeTokenizer.Read("\uFEFF" + MadeTokenizer.Json()).Encode("é"));
}
