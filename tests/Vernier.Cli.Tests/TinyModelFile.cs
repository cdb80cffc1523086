using Vernier.Calibration;
using Vernier.Files.Gguf;
using Vernier.Models;
using Vernier.Tokens;

namespace Vernier.Cli.Tests;

/// <summary>A tiny random model of 4-bit blocks with a tokenizer, as a GGUF file: made here, so that its tests need no reference files.</summary>
internal static class TinyModelFile
{
    public const int Context = 64;

    public static string Write(string path, int seed = 1)
    {
        using var model = Create(seed);
        ModelQuantizer.Quantize(model.Decoder, model.Compute, new QuantizeOptions { Bits = 4, Group = 32 });
        model.ExportGguf(path);
        return path;
    }

    /// <summary>The same with changed metadata, or without some tensors.</summary>
    public static string Rewrite(string from, string to, Func<GgufMetadata, GgufMetadata>? metadata = null, Func<string, bool>? keep = null)
    {
        using var file = GgufFile.Open(from);
        var kept = file.Tensors.Where(t => keep?.Invoke(t.Name) ?? true).ToList();
        using var writer = GgufWriter.Create(to, metadata?.Invoke(file.Metadata) ?? file.Metadata, [.. kept.Select(t => t.Plan)]);
        foreach (var tensor in kept)
            writer.Write(file.Bytes(tensor));
        writer.Commit();
        return to;
    }

    private static LanguageModel Create(int seed)
    {
        var tokenizer = BytePairTrainer.Train("the quick brown fox jumps over the lazy dog and the quick cat", 280);
        var config = new ModelConfig
        {
            Architecture = "llama",
            HiddenSize = 64,
            Layers = 2,
            Heads = 2,
            KvHeads = 2,
            HeadDim = 32,
            RotaryDim = 32,
            FeedForwardSize = 96,
            VocabularySize = tokenizer.VocabularySize,
            ContextLength = Context,
            AttentionScale = 1 / MathF.Sqrt(32),
            TiedHead = true,
            BosTokenId = 0,
            EosTokenIds = [0],
        };
        return LanguageModel.CreateRandom(config, seed, new LoadedTokenizer(tokenizer, null, [0]), new LoadOptions { Threads = 1 });
    }
}
