using System.Text;
using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

public class TokenizerWritingTests
{
    private const string Once = "The cat sat on the mat, and the other cat sat on the hat. \"It's 12 o'clock,\" said the cat.\n\nThe end.\n";
    private const string Text = Once + Once;

    public static TheoryData<string, string> Pairs => TokenizerGoldens.Pairs();

    [Fact]
    public void ATrainedVocabularyIsDeterministicAndSpellsEverything()
    {
        var tokenizer = BytePairTrainer.Train(Text, 290);
        Assert.Equal(290, tokenizer.VocabularySize);
        var again = BytePairTrainer.Train(Text, 290);
        Assert.Equal(Enumerable.Range(0, 290).Select(tokenizer.Piece), Enumerable.Range(0, 290).Select(again.Piece));
        foreach (var text in new[] { Text, "the cat", "naïve 😀 text\0", "" })
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        Assert.True(tokenizer.Encode(Text).Length < Encoding.UTF8.GetByteCount(Text) * 2 / 3);
        Assert.Equal([1, tokenizer.Find("c")!.Value, 2], tokenizer.Encode("<|im_start|>c<|im_end|>"));
    }

    [Fact]
    public void ATrainedVocabularySurvivesItsFiles()
    {
        var tokenizer = BytePairTrainer.Train(Text, 320);
        CheckSameAfterWriting(new LoadedTokenizer(tokenizer, "{{ messages }}", [0]), [Text, "a cat <|im_end|> 123", " \n\n x"]);
    }

    [Theory, MemberData(nameof(Pairs))]
    public void EveryTokenizerSurvivesItsFiles(string golden, string file) => CheckSameAfterWriting(
        TokenizerGoldens.Load(file),
        TokenizerGoldens.Read(golden).GetProperty("records").EnumerateArray().Select(record => record.Text("text")));

    private static void CheckSameAfterWriting(LoadedTokenizer loaded, IEnumerable<string> texts)
    {
        var folder = Directory.CreateTempSubdirectory("tokenizer");
        try
        {
            TokenizerJsonWriter.Write(loaded, folder.FullName);
            var again = TokenizerLoader.FromFolder(folder.FullName)!;
            var (before, after) = (loaded.Tokenizer, again.Tokenizer);
            Assert.Equal(loaded.ChatTemplateSource, again.ChatTemplateSource);
            Assert.Equal((before.VocabularySize, before.BosId, before.EosId, before.AddsBos), (after.VocabularySize, after.BosId, after.EosId, after.AddsBos));
            foreach (var text in texts)
                foreach (var parseSpecial in new[] { true, false })
                    Assert.Equal(before.Encode(text, parseSpecial), after.Encode(text, parseSpecial));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
