using Vernier.Calibration;
using Vernier.Tokens;

namespace Vernier.TestSupport;

/// <summary>A tiny random LLaMA of 4-bit codes with a tokenizer: made here, so that its tests need no reference files.</summary>
internal static class TinyRandomModel
{
    public const int Context = 64;

    public static LanguageModel Create(int seed = 1, int threads = 1)
    {
        var tokenizer = BytePairTrainer.Train("the quick brown fox jumps over the lazy dog and the quick cat", 280);
        var config = TinyConfig.Llama(hidden: 64, heads: 2, keys: 2, feedForward: 96, tokenizer.VocabularySize, context: Context) with { TiedHead = true, BosTokenId = 0, EosTokenIds = [0] };
        var model = LanguageModel.CreateRandom(config, seed, new LoadedTokenizer(tokenizer, null, [0]), new LoadOptions { Threads = threads });
        ModelQuantizer.Quantize(model.Decoder, model.Compute, new QuantizeOptions { Bits = 4, Group = 32 });
        return model;
    }
}
