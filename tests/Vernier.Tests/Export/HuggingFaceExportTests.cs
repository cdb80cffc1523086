using Vernier.Export;
using Vernier.Files.Tensors;
using Vernier.Models;
using Vernier.Tests.Goldens;
using Vernier.TestSupport;

namespace Vernier.Tests.Export;

/// <summary>Export as a Hugging Face folder: read back, it computes the same.</summary>
public sealed class HuggingFaceExportTests : TemporaryFolderTests
{
    [Theory]
    [MemberData(nameof(GgufModels.Names), MemberType = typeof(GgufModels))]
    public void ReadBackItComputesTheSame(string name)
    {
        using var model = LanguageModel.Load(SharedFiles.At(name), new LoadOptions { Threads = 1 });
        if (model.Config.RopeFrequencyFactors.Count > 0 && !RopeHasFormula(model))
            return;
        HuggingFaceExport.Write(model, Temporary.Path, ElementType.F32);
        using var copy = LanguageModel.Load(Temporary.Path, new LoadOptions { Threads = 1 });
        Assert.All(Logits(model).Zip(Logits(copy)), pair => Assert.Equal(pair.First, pair.Second, 1e-4f)); // frequencies found by formula differ in their last digits
        Assert.NotNull(copy.Tokenizer);
        const string Text = "Hello world, 123 times!";
        Assert.Equal(model.Tokenizer!.Encode(Text), copy.Tokenizer.Encode(Text));
    }

    /// <summary>A file may state frequencies that config.json cannot: then the export must refuse.</summary>
    private bool RopeHasFormula(LanguageModel model)
    {
        try
        {
            HuggingFaceExport.Write(model, Temporary.Path, ElementType.F32);
            return true;
        }
        catch (NotSupportedException e)
        {
            Assert.Contains("rope_freqs", e.Message, StringComparison.Ordinal);
            return false;
        }
    }

    private static float[] Logits(LanguageModel model)
    {
        int[] ids = [1, 5, 9, 200, 17, 3];
        var logits = new float[ids.Length * model.Config.VocabularySize];
        model.Decoder.Logits(model.Compute, new TokenBatch(ids, [0, ids.Length], [.. ids.Select(_ => TokenBatch.NoTarget)]), logits);
        return logits;
    }
}
