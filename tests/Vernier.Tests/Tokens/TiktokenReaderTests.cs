using System.Text;
using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

/// <summary>Files of tiktoken by what they hold: how many tokens, and up to which id.</summary>
public class TiktokenReaderTests
{
    private const string Text = "DoIt 12345 don't";

    [Theory]
    [InlineData(50256, -1, "DoIt| 12345| don|'t", 50256)]
    [InlineData(50280, 50256, "DoIt| 12345| don|'t", 50256)]
    [InlineData(100256, -1, "DoIt| |123|45| don|'t", 100257)]
    [InlineData(199998, -1, "Do|It| |123|45| don't", 199999)]
    [InlineData(151643, -1, "DoIt| |1|2|3|4|5| don|'t", 151643)]
    [InlineData(128000, -1, "DoIt| |123|45| don|'t", 128001)]
    public void TheRulesAreKnownByTheTokens(int tokens, int hole, string pieces, int end)
    {
        // Every piece that the right rules cut is a token; the rest of the file is filled up.
        var wanted = new[] { "DoIt", "Do", "It", " 12345", " don", "'t", " don't", "123", "45" };
        var tokenizer = (BytePairTokenizer)Read("some.tiktoken", File(tokens, hole, wanted));
        Assert.Equal(pieces, string.Join('|', tokenizer.Encode(Text).Select(id => tokenizer.Decode([id]))));
        Assert.Equal(end, tokenizer.EosId);
        Assert.Equal([end], tokenizer.Encode(tokenizer.Piece(end)));
    }

    [Fact]
    public void TheNameCountsWhereTheTokensAreNotKnown() => Assert.Equal([256, 50256], Read("gpt2.tiktoken", File(257, -1, ["DoIt"])).Encode("DoIt<|endoftext|>"));

    [Fact]
    public void AnUnknownFileIsRefused() => Assert.Contains(
        "300 tokens up to 299", Assert.Throws<NotSupportedException>(() => Read("x.tiktoken", File(300, -1, []))).Message, StringComparison.Ordinal);

    [Fact]
    public void ATokenizerModelMayBeOneOfTiktoken() =>
        Assert.True(((BytePairTokenizer)Read("tokenizer.model", File(128000, -1, []))).AddsBos);

    [Fact]
    public void TokensMergeByTheRankOfWhatTheyBecome()
    {
        // "bc" is made of b and c, "abc" also of "a" and "bc": no list of pairs says so, the ranks do.
        var tokenizer = Read("r50k_base.tiktoken", File(0, -1, []) + Line("bc", 256) + Line("ab", 257) + Line("abc", 258) + Line("xabc", 259));
        Assert.Equal([258], tokenizer.Encode("abc"));
        Assert.Equal([259], tokenizer.Encode("xabc"));
        Assert.Equal([258, 258], tokenizer.Encode("abcabc"));
    }

    [Theory]
    [InlineData("YQ== x\n")]
    [InlineData("nothing\n")]
    [InlineData("YQ== 1\nYg==\n")]
    public void ADamagedLineIsNamed(string text) =>
        Assert.Contains("line ", Assert.Throws<InvalidDataException>(() => Read("gpt2.tiktoken", text)).Message, StringComparison.Ordinal);

    private static ITokenizer Read(string name, string text) => MadeTokenizer.InFolder((name, text), folder => TokenizerLoader.FromFolder(folder)!.Tokenizer);

    private static string File(int tokens, int hole, string[] wanted)
    {
        var text = new StringBuilder();
        for (var value = 0; value < 256; value++)
            text.Append(Convert.ToBase64String([(byte)value])).Append($" {value}\n");
        var id = 256;
        foreach (var piece in wanted)
            text.Append(Line(piece, id++));
        for (var count = 256 + wanted.Length; count < tokens; count++, id++)
        {
            if (id == hole)
                id++;
            text.Append(Line($"\u0001{id}", id));
        }
        return text.ToString();
    }

    private static string Line(string piece, int id) => $"{Convert.ToBase64String(Encoding.UTF8.GetBytes(piece))} {id}\n";
}
