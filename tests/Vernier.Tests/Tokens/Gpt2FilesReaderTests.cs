using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

/// <summary>vocab.json and merges.txt with the files beside them.</summary>
public class Gpt2FilesReaderTests
{
    private const string Decoder = """
        "added_tokens_decoder":{"300":{"content":"<|im_start|>","special":true,"normalized":false},"301":{"content":"<tool>","special":false,"normalized":false,"rstrip":true}}
        """;

    [Theory]
    [InlineData("<|im_start|>x", new[] { 300, 120 })]
    [InlineData("<tool>  x", new[] { 301, 120 })]
    [InlineData("e\u0301", new[] { 256 })]
    [InlineData("THE'S12", new[] { 84, 72, 69, 39, 83, 49, 50 })]
    public void AQwen2FolderIsReadAsQwen2(string text, int[] ids) =>
        Assert.Equal(ids, Read($$"""{"tokenizer_class":"Qwen2Tokenizer",{{Decoder}}}""").Tokenizer.Encode(text));

    [Fact]
    public void TheClassSaysHowTextIsCut()
    {
        // "a'S" is one piece by no rule of GPT-2: its contractions are of small letters.
        var merges = "#version: 0.2\nÃ ©\nt h\nth e\n' S\n";
        var qwen = Read("""{"tokenizer_class":"Qwen2Tokenizer"}""", merges: merges).Tokenizer;
        var gpt = Read("""{"tokenizer_class":"GPT2Tokenizer"}""", merges: merges).Tokenizer;
        Assert.Equal([97, 299], qwen.Encode("a'S"));
        Assert.Equal([97, 39, 83], gpt.Encode("a'S"));
        Assert.Contains("CLIPTokenizer", Assert.Throws<NotSupportedException>(() => Read("""{"tokenizer_class":"CLIPTokenizer"}""")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AddedTokensOfTheOlderFormAreRead()
    {
        var tokenizer = Read("""{"tokenizer_class":"GPT2Tokenizer","bos_token":"<b>"}""", ("added_tokens.json", """{"<b>":300,"<user>":301}""")).Tokenizer;
        Assert.Equal([300, 301], tokenizer.Encode("<b><user>"));
        Assert.Equal([60, 98, 62, 301], tokenizer.Encode("<b><user>", parseSpecial: false));
        Assert.Equal((300, true, false), (tokenizer.BosId, tokenizer.IsSpecial(300), tokenizer.IsSpecial(301)));
    }

    [Fact]
    public void NamedTokensOfTheVocabularyAreSpecial()
    {
        var loaded = Read("""{"eos_token":{"content":"the"},"additional_special_tokens":["th"]}""");
        Assert.True(loaded.Tokenizer.IsSpecial(257) && loaded.Tokenizer.IsSpecial(258));
        Assert.Equal(258, loaded.Tokenizer.EosId);
    }

    [Fact]
    public void OnlyNamedTokensAreSpecialWhereSomeAreNamed()
    {
        var tokenizer = Read($$"""{"tokenizer_class":"Qwen2Tokenizer",{{Decoder}}}""", pieces: ("<s>", 298)).Tokenizer;
        Assert.Equal([60, 115, 62], tokenizer.Encode("<s>"));
        Assert.Equal([298], Read("{}", pieces: ("<s>", 298)).Tokenizer.Encode("<s>"));
    }

    [Fact]
    public void APrefixSpaceIsPut() => Assert.Equal([32, 97], Read("""{"add_prefix_space":true}""").Tokenizer.Encode("a"));

    private static LoadedTokenizer Read(string config, (string, string)? more = null, string merges = "#version: 0.2\nÃ ©\nt h\nth e\n", (string Piece, int Id)? pieces = null)
    {
        var vocabulary = MadeTokenizer.Vocabulary();
        vocabulary["'S"] = 299;
        if (pieces is { } added)
            vocabulary[added.Piece] = added.Id;
        (string, string)[] files = [("vocab.json", vocabulary.ToJsonString()), ("merges.txt", merges), ("tokenizer_config.json", config)];
        return MadeTokenizer.InFolder(more is { } extra ? [.. files, extra] : files, folder => TokenizerLoader.FromFolder(folder)!);
    }
}
