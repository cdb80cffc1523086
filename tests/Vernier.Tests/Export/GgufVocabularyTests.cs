using Vernier.Export;
using Vernier.Files.Gguf;
using Vernier.Tokens;

namespace Vernier.Tests.Export;

/// <summary>A GGUF file has one token for each row of the embedding: llama.cpp takes the size of the vocabulary from the tokens.</summary>
public sealed class GgufVocabularyTests : TemporaryFolderTests
{
    private readonly ITokenizer _tokenizer = BytePairTrainer.Train("the quick brown fox jumps over the lazy dog", 270);

    [Fact]
    public void Rows_without_a_token_get_unused_ones()
    {
        var rows = _tokenizer.VocabularySize + 17;
        var result = Write(rows);
        Assert.Empty(result.Notes);
        using var file = GgufFile.Open(result.Path);
        var tokens = file.Metadata.FindStrings("tokenizer.ggml.tokens")!;
        Assert.Equal(rows, tokens.Length);
        Assert.Equal($"[PAD{rows - 1}]", tokens[^1]);
        Assert.Equal(rows, tokens.Distinct().Count());
        Assert.All(file.Metadata["tokenizer.ggml.token_type"].AsNumbers<int>()[_tokenizer.VocabularySize..], type => Assert.Equal(5, type));
        using var model = LanguageModel.Load(result.Path);
        Assert.Equal(_tokenizer.Encode("the lazy fox [PAD280]"), model.Tokenizer!.Encode("the lazy fox [PAD280]"));
    }

    [Fact]
    public void Tokens_of_the_vocabulary_without_a_row_are_refused_by_name()
    {
        var message = Assert.Throws<NotSupportedException>(() => Write(_tokenizer.VocabularySize - 2)).Message;
        Assert.Contains($"token {_tokenizer.VocabularySize - 2} '", message, StringComparison.Ordinal);
        Assert.False(File.Exists(Temporary.At("m.gguf")));
    }

    [Fact]
    public void Added_tokens_without_a_row_are_left_out_and_told_of()
    {
        var definition = ((BytePairTokenizer)_tokenizer).Definition;
        var pieces = Enumerable.Range(0, definition.Vocabulary.Count).Select(id => (string?)definition.Vocabulary[id]).Append("<pad>").ToArray();
        var kinds = Enumerable.Range(0, definition.Vocabulary.Count).Select(definition.Vocabulary.Kind).Append(TokenKind.Control).ToArray();
        var vocabulary = new Vocabulary(pieces, kinds);
        var tokenizer = new BytePairTokenizer(definition with { Vocabulary = vocabulary, SpecialTokens = [.. definition.SpecialTokens, new SpecialToken("<pad>", pieces.Length - 1, IsControl: true)] });
        var result = Write(pieces.Length - 1, tokenizer);
        Assert.Contains($"{pieces.Length - 1} '<pad>'", Assert.Single(result.Notes), StringComparison.Ordinal);
        using var file = GgufFile.Open(result.Path);
        Assert.Equal(pieces.Length - 1, file.Metadata.FindStrings("tokenizer.ggml.tokens")!.Length);
    }

    private ExportResult Write(int rows, ITokenizer? tokenizer = null)
    {
        var config = Models.TinyModel.Config() with { VocabularySize = rows };
        using var model = LanguageModel.CreateRandom(config, 1, new LoadedTokenizer(tokenizer ?? _tokenizer, null, [0]), new LoadOptions { Threads = 1 });
        return GgufExport.Write(model, Temporary.At("m.gguf"));
    }
}
