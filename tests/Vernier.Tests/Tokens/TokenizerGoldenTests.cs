using System.Text.Json;
using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

public class TokenizerGoldenTests
{
    public static TheoryData<string, string> Pairs => TokenizerGoldens.Pairs();

    [Theory, MemberData(nameof(Pairs))]
    public void EncodesEveryRecordWithSpecialTokensParsed(string golden, string file) =>
        CheckRecords(golden, file, parseSpecial: true, record =>
            First(record, "ids_parse_special_hf", "ids_parse_special_llamacpp", IdsName(record, file)));

    [Theory, MemberData(nameof(Pairs))]
    public void EncodesEveryRecordWithSpecialTokensAsText(string golden, string file) =>
        CheckRecords(golden, file, parseSpecial: false, record => First(record, "ids_special_as_text", IdsName(record, file)));

    [Theory, MemberData(nameof(Pairs))]
    public void AddsBosAsTheModelIsFed(string golden, string file)
    {
        var tokenizer = TokenizerGoldens.Load(file).Tokenizer;
        var root = TokenizerGoldens.Read(golden);
        Assert.Equal(root.GetProperty("add_bos").GetBoolean(), tokenizer.AddsBos);
        // A tokenizer.json by itself does not say which tokens they are.
        if (!Path.GetFileName(file).StartsWith("tokenizer_bpe_", StringComparison.Ordinal))
        {
            if (root.TryGetProperty("bos", out var bos))
                Assert.Equal(bos.GetInt32(), tokenizer.BosId);
            Assert.Equal(root.GetProperty("eos").GetInt32(), tokenizer.EosId);
        }
        foreach (var entry in root.GetProperty("with_special").EnumerateArray())
        {
            var ids = tokenizer.Encode(entry.Text("text")).AsEnumerable();
            if (!SqueezesSpaces(file))
                Assert.Equal(entry.Ids("ids"), tokenizer.AddsBos ? ids.Prepend(tokenizer.BosId!.Value) : ids);
        }
    }

    [Theory, MemberData(nameof(Pairs))]
    public void DecodesAtOnceAndAsAStream(string golden, string file)
    {
        var tokenizer = TokenizerGoldens.Load(file).Tokenizer;
        foreach (var entry in TokenizerGoldens.Read(golden).GetProperty("decode").EnumerateArray())
        {
            var ids = entry.Ids("ids");
            Assert.Equal(entry.Text("text"), tokenizer.Decode(ids));
            var decoder = new StreamingDecoder(tokenizer);
            Assert.Equal(entry.GetProperty("stream").EnumerateArray().Select(part => part.GetString()), ids.Select(decoder.Add));
            Assert.Equal(entry.Text("stream_end"), decoder.Finish());
            var bytes = ids.SelectMany(tokenizer.TokenBytes).ToArray();
            if (tokenizer.DropsLeadingSpace && bytes is [(byte)' ', ..] && ids.First(id => tokenizer.TokenBytes(id).Length > 0) != tokenizer.UnknownId)
                bytes = bytes[1..];
            Assert.Equal(entry.Text("bytes_hex"), Convert.ToHexStringLower(bytes));
        }
    }

    [Theory, MemberData(nameof(Pairs))]
    public void DecodingUndoesEncoding(string golden, string file)
    {
        var tokenizer = TokenizerGoldens.Load(file).Tokenizer;
        foreach (var record in TokenizerGoldens.Read(golden).GetProperty("records").EnumerateArray())
        {
            var isLossy = record.TryGetProperty("lossy", out var lossy) && lossy.GetBoolean();
            var text = record.Text("text");
            // SentencePiece cannot tell U+2581 from a space.
            if (!isLossy && !SqueezesSpaces(file) && !(tokenizer.DropsLeadingSpace && text.Contains('\u2581')))
                Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text, parseSpecial: false)));
        }
    }

    [Theory, MemberData(nameof(Pairs))]
    public void ALoneSurrogateIsTheReplacementCharacter(string golden, string file)
    {
        _ = golden;
        var tokenizer = TokenizerGoldens.Load(file).Tokenizer;
        Assert.Equal(tokenizer.Encode("a\uFFFDb \uFFFD"), tokenizer.Encode("a\uD83Db \uDE00"));
    }

    private static void CheckRecords(string golden, string file, bool parseSpecial, Func<JsonElement, string> idsName)
    {
        var tokenizer = TokenizerGoldens.Load(file).Tokenizer;
        var wrong = new List<string>();
        foreach (var record in TokenizerGoldens.Read(golden).GetProperty("records").EnumerateArray())
        {
            var text = record.Text("text");
            var ids = tokenizer.Encode(text, parseSpecial);
            if (!ids.SequenceEqual(record.Ids(idsName(record))))
                wrong.Add($"{JsonSerializer.Serialize(text)}: expected {string.Join(' ', record.Ids(idsName(record)))}, got {string.Join(' ', ids)}");
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong.Take(10)));
    }

    private static string IdsName(JsonElement record, string file) => SqueezesSpaces(file) ? First(record, "ids_sentencepiece", "ids") : "ids";

    /// <summary>This model's normalizer drops leading, trailing and repeated spaces.</summary>
    private static bool SqueezesSpaces(string file) => file.EndsWith("tok512.model", StringComparison.Ordinal);

    private static string First(JsonElement record, params string[] names) => names.First(name => record.TryGetProperty(name, out _));
}
