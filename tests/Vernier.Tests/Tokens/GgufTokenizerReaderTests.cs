using Vernier.Files.Gguf;
using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

public class GgufTokenizerReaderTests
{
    private static readonly string[] Pieces = ["<bos>", "a", "\u2581", "\u2581a", "\n", "<0xE2>", "<0x82>", "<0xAC>", "b"];

    [Theory]
    [InlineData("gemma4", "gemma4")]
    [InlineData("gpt2", "sarvam-moe")]
    public void PiecesOfCharactersHaveAMarkForASpace(string model, string pre)
    {
        var tokenizer = Read(model, pre)!.Tokenizer;
        Assert.Equal([1, 3, 2, 4, 5, 6, 7, 8], tokenizer.Encode("a a \n\u20acb"));
        Assert.Equal("a a \n\u20acb", tokenizer.Decode([1, 3, 2, 4, 5, 6, 7, 8]));
        Assert.Equal([0, 1], tokenizer.Encode("<bos>a"));
    }

    [Fact]
    public void AKindThatIsNotDoneIsRefusedByName() =>
        Assert.Contains("\"rwkv\"", Assert.Throws<NotSupportedException>(() => Read("rwkv", "x")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("no_vocab")]
    [InlineData("none")]
    public void AFileMayHaveNoTokenizer(string model) => Assert.Null(Read(model, "x"));

    private static LoadedTokenizer? Read(string model, string pre) => TokenizerLoader.FromGguf(GgufMetadata.Of(
    [
        GgufValue.Of("tokenizer.ggml.model", model),
        GgufValue.Of("tokenizer.ggml.pre", pre),
        GgufValue.Of("tokenizer.ggml.tokens", Pieces),
        GgufValue.Of("tokenizer.ggml.token_type", [3, 1, 1, 1, 1, 6, 6, 6, 1]),
        GgufValue.Of("tokenizer.ggml.merges", (string[])["\u2581 a"]),
        GgufValue.Of("tokenizer.ggml.bos_token_id", 0u),
    ]), "test.gguf");
}
