using Vernier.Models;
using Vernier.TestSupport;

namespace Vernier.Tests.Models;

/// <summary>A small random LLaMA.</summary>
internal static class TinyModel
{
    public static ModelConfig Config(int[]? windows = null) =>
        TinyConfig.Llama(hidden: 32, heads: 4, keys: 2, feedForward: 48, vocabulary: 67, context: 512) with { AttentionWindows = windows ?? [] };

    /// <summary>Weights are ten times the usual start, so that attention is not flat.</summary>
    public static Decoder Create(int[]? windows = null, int seed = 1)
    {
        var decoder = new Decoder(Config(windows), new RandomWeights(Config(windows), seed));
        decoder.ReplaceLinears(l =>
        {
            var dense = new DenseTrainableLinear(l.Name, l.Weight, l.Bias);
            foreach (ref var value in dense.WeightParameter.Value.Span)
                value *= 10;
            return dense;
        });
        return decoder;
    }

    public static int[] Ids(ModelConfig config, int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(config.VocabularySize))];
    }
}
