using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

/// <summary>What a tokenizer.json says, on small made files; the ids are those of Hugging Face's library (tokenizers 0.22.2).</summary>
public class TokenizerJsonTests
{
    private const string Added = """
        [{"id":258,"content":"the","single_word":true,"normalized":true,"special":false},
        {"id":300,"content":"[MASK]","lstrip":true,"normalized":false,"special":true},
        {"id":301,"content":"<s>","normalized":true,"special":true},
        {"id":302,"content":"<e>","rstrip":true,"normalized":false,"special":true},
        {"id":303,"content":"ÉB","normalized":true,"special":false},
        {"id":304,"content":"<<s","normalized":false,"special":false}]
        """;

    [Theory]
    [InlineData("NFC", "e\u0301", new[] { 256 })]
    [InlineData("NFC", "\u1112\u1161\u11ab", new[] { 237, 149, 156 })]
    [InlineData("NFC", "\u212b", new[] { 195, 133 })]
    [InlineData("NFC", "\ufffe", new[] { 239, 191, 190 })]
    [InlineData("NFC", "\ufffee\u0301\uffff", new[] { 239, 191, 190, 256, 239, 191, 191 })]
    [InlineData("NFKC", "\ufb01", new[] { 102, 105 })]
    [InlineData("NFKC", "\uff76\uff9e", new[] { 227, 130, 172 })]
    [InlineData("NFKC", "\u32ff", new[] { 227, 139, 191 })]
    [InlineData("NFKD", "é", new[] { 101, 204, 129 })]
    [InlineData("NFD", "\ud55c", new[] { 225, 132, 146, 225, 133, 161, 225, 134, 171 })]
    [InlineData("StripAccents", "e\u0301é", new[] { 101, 256 })]
    [InlineData("Nmt", "a\u200bb\u0007c\ufeff", new[] { 97, 32, 98, 99, 32 })]
    [InlineData("Lowercase", "\u0130\u03a3", new[] { 105, 204, 135, 207, 131 })]
    public void NormalizersAreDone(string type, string text, int[] ids) =>
        Assert.Equal(ids, MadeTokenizer.Read(MadeTokenizer.Json($$"""{"type":"{{type}}"}""")).Encode(text));

    [Theory]
    [InlineData("a [MASK] b", new[] { 97, 300, 32, 98 })]
    [InlineData("a[MASK]", new[] { 97, 300 })]
    [InlineData("\u00a0[MASK]", new[] { 300 })]
    [InlineData("x <e>  y", new[] { 120, 32, 302, 121 })]
    [InlineData("  [MASK]  [MASK]<e> <s>", new[] { 300, 300, 302, 301 })]
    [InlineData("the", new[] { 258 })]
    [InlineData("then the other", new[] { 258, 110, 32, 258, 32, 111, 258, 114 })]
    [InlineData("éb ÉB", new[] { 303, 32, 303 })]
    [InlineData("<S>", new[] { 301 })]
    [InlineData("<<s>", new[] { 304, 62 })]
    public void FlagsOfAddedTokensAreDone(string text, int[] ids) =>
        Assert.Equal(ids, MadeTokenizer.Read(MadeTokenizer.Json("""{"type":"Lowercase"}""", added: Added)).Encode(text));

    [Theory]
    [InlineData("éb ÉB", new[] { 256, 98, 32, 303 })]
    [InlineData("<S>", new[] { 60, 83, 62 })]
    public void WithoutANormalizerTheFlagChangesNothing(string text, int[] ids) =>
        Assert.Equal(ids, MadeTokenizer.Read(MadeTokenizer.Json(added: Added)).Encode(text));

    [Theory]
    [InlineData("<s>", new[] { 301 })]
    [InlineData("x<s>", new[] { 120, 301 })]
    [InlineData("a<s>", new[] { 120, 97, 60, 115, 62 })]
    [InlineData("[MASK]the", new[] { 300, 120, 258 })]
    public void ANormalizedTokenIsFoundByItsNormalizedContent(string text, int[] ids) =>
        Assert.Equal(ids, MadeTokenizer.Read(MadeTokenizer.Json("""{"type":"Prepend","prepend":"x"}""", added: Added.Replace("{\"id\":258,\"content\":\"the\"", "{\"id\":305,\"content\":\"zz\"")))
            .Encode(text));

    [Fact]
    public void SpecialTokensAreTextWhenTheyAreNotParsed()
    {
        var tokenizer = MadeTokenizer.Read(MadeTokenizer.Json(added: Added));
        Assert.Equal([60, 101, 62, 258], tokenizer.Encode("<e>the", parseSpecial: false));
        Assert.Equal([302, 258], tokenizer.Encode("<e>the"));
    }

    [Fact]
    public void DigitsAreSplitAfterBytesWhereTheFileSaysSo()
    {
        // The byte B2 is spelled by a superscript two, which is a number: Falcon's file cuts characters in two there.
        const string falcon = """
            {"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},{"type":"Digits","individual_digits":false}]}
            """;
        var json = MadeTokenizer.Json(preTokenizer: falcon).Replace("\"vocab\":{", "\"vocab\":{\"Ã²\":259,").Replace("\"Ã ©\",", "\"Ã ©\",\"Ã ²\",");
        Assert.Equal([256, 195, 178], MadeTokenizer.Read(json).Encode("éò"));
        Assert.Equal([256, 259], MadeTokenizer.Read(json.Replace(falcon, MadeTokenizer.ByteLevel)).Encode("éò"));
    }

    [Theory]
    [InlineData("null", """{"type":"BertPreTokenizer"}""", "BertPreTokenizer")]
    [InlineData("null", """{"type":"UnicodeScripts"}""", "UnicodeScripts")]
    [InlineData("null", """{"type":"Split","pattern":{"Regex":"(a)\\1"},"behavior":"Isolated","invert":false}""", "reference to a group")]
    [InlineData("null", """{"type":"Split","pattern":{"Regex":"a"},"behavior":"Sideways","invert":false}""", "Sideways")]
    [InlineData("""{"type":"BertNormalizer"}""", MadeTokenizer.ByteLevel, "BertNormalizer")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":"("},"content":""}""", MadeTokenizer.ByteLevel, "without an end")]
    public void WhatIsNotDoneIsRefusedByName(string normalizer, string preTokenizer, string found)
    {
        var refusal = Assert.Throws<NotSupportedException>(() => MadeTokenizer.Read(MadeTokenizer.Json(normalizer, preTokenizer)));
        Assert.Contains("tokenizer.json", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(found, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PrecompiledRulesAreDone()
    {
        // Hugging Face takes the first rule that fits at the beginning of a user-perceived character for the whole of it.
        var map = Convert.ToBase64String(CharacterMapFile.Of(("ﬁ", "fi"), ("①", "1"), ("e", "E"), ("e\u0301", "é")));
        var tokenizer = MadeTokenizer.Read(MadeTokenizer.Json($$"""{"type":"Precompiled","precompiled_charsmap":"{{map}}"}"""));
        Assert.Equal("fi1xE"u8.ToArray().Select(value => (int)value), tokenizer.Encode("ﬁ①xe"));
        Assert.Equal([69], tokenizer.Encode("e\u0301"));
        Assert.Equal("Eé", new PrecompiledCharacterMap(Convert.FromBase64String(map), "test").ByLongestRule("ee\u0301"));
    }

    [Fact]
    public void ACutMapOfCharactersIsRefused()
    {
        var map = CharacterMapFile.Of(("ﬁ", "fi"));
        Assert.Throws<InvalidDataException>(() => new PrecompiledCharacterMap(map.AsSpan(0, 40), "test"));
        // A trie whose units point outside of it finds nothing.
        map.AsSpan(4, 40).Fill(0xFF);
        Assert.Equal("ﬁ", new PrecompiledCharacterMap(map, "test").ByGrapheme("ﬁ"));
    }

    [Fact]
    public void AllStagesTogetherHaveOneLimit()
    {
        var stage = """{"type":"Split","pattern":{"Regex":"(?:a|a)*(?:a|a)*(?:a|a)*b"},"behavior":"Isolated","invert":false}""";
        var tokenizer = MadeTokenizer.Read(MadeTokenizer.Json(preTokenizer: $$"""{"type":"Sequence","pretokenizers":[{{stage}},{{stage}},{{MadeTokenizer.ByteLevel}}]}"""));
        var refusal = Assert.Throws<InvalidDataException>(() => tokenizer.Encode(new string('a', 2000)));
        Assert.Contains("take too long on a text of 2000 characters", refusal.Message, StringComparison.Ordinal);
        Assert.Equal([97, 98], tokenizer.Encode("ab"));
    }

    [Fact]
    public void ANormalizerCannotBlowATextUp()
    {
        var doubling = string.Join(',', Enumerable.Repeat("""{"type":"Replace","pattern":{"String":"a"},"content":"aa"}""", 40));
        var tokenizer = MadeTokenizer.Read(MadeTokenizer.Json($$"""{"type":"Sequence","normalizers":[{{doubling}}]}"""));
        Assert.Throws<InvalidDataException>(() => tokenizer.Encode("a"));
    }

    [Fact]
    public void UnknownCharactersAreOneTokenOrOneEach()
    {
        static string Json(string fuse) => $$$"""
            {"added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"WhitespaceSplit"},"decoder":null,
            "model":{"type":"BPE","fuse_unk":{{{fuse}}},"unk_token":"<unk>","vocab":{"<unk>":0,"a":1,"\u2581":2,"b":3},"merges":[]}}
            """;
        Assert.Equal([1, 0, 3, 0, 1], MadeTokenizer.Read(Json("true")).Encode("axyb zza"));
        Assert.Equal([1, 0, 0, 3, 0, 0, 1], MadeTokenizer.Read(Json("false")).Encode("axyb zza"));
    }

    [Fact]
    public void SuffixesOfWordsAreDone()
    {
        const string json = """
            {"added_tokens":[],"normalizer":{"type":"Lowercase"},"pre_tokenizer":{"type":"WhitespaceSplit"},"decoder":{"type":"BPEDecoder","suffix":"</w>"},
            "model":{"type":"BPE","end_of_word_suffix":"</w>","vocab":{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab</w>":4},"merges":["a b</w>"]}}
            """;
        var tokenizer = MadeTokenizer.Read(json);
        Assert.Equal([4, 0, 2, 3], tokenizer.Encode("Ab aA b"));
        Assert.Equal("ab aa b ", tokenizer.Decode([4, 0, 2, 3]));
    }

    [Fact]
    public void AnIdAboveTheVocabularyHasNoText()
    {
        var tokenizer = MadeTokenizer.Read(MadeTokenizer.Json());
        Assert.Equal("ab", tokenizer.Decode([97, 100_000, 98, int.MaxValue]));
        var decoder = new StreamingDecoder(tokenizer);
        Assert.Equal(["", "", "é", ""], new[] { 195, 5000, 169, 5001 }.Select(decoder.Add));
        Assert.Equal(("", false), (tokenizer.Piece(5000), tokenizer.IsSpecial(5000)));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([-1]));
    }

    [Fact]
    public void EveryWrittenFileReadsTheSame()
    {
        var tokenizer = MadeTokenizer.Read(MadeTokenizer.Json(
            """{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Replace","pattern":{"Regex":"x+"},"content":"y"}]}""",
            $$"""{"type":"Sequence","pretokenizers":[{"type":"Punctuation","behavior":"MergedWithNext"},{"type":"Split","pattern":{"String":"q"},"behavior":"Removed","invert":false},{{MadeTokenizer.ByteLevel}}]}""",
            Added));
        var again = MadeTokenizer.Read(TokenizerJsonWriter.Tokenizer(tokenizer).ToJsonString());
        foreach (var text in new[] { "e\u0301xxx!?the q the", "<e> a<s>ÉB", "a\u00a0[MASK]" })
            Assert.Equal(tokenizer.Encode(text), again.Encode(text));
    }
}
