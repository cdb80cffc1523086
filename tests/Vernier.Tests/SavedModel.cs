using Vernier.Export;
using Vernier.Files.Gguf.Blocks;
using Vernier.Models;
using Vernier.TestSupport;

namespace Vernier.Tests;

/// <summary>A tiny random model of 4-bit codes: as a GGUF file, as a folder, and as one that exists in memory alone; and something to tune it on.</summary>
internal static class SavedModel
{
    public const int Context = TinyRandomModel.Context;

    public static readonly string[] Kinds = ["gguf", "folder", "memory"];

    public static LanguageModel Open(string kind, string folder, int threads = 1)
    {
        if (kind == "memory")
            return TinyRandomModel.Create(threads: threads);
        var path = Path.Combine(folder, kind == "gguf" ? "model.gguf" : "model");
        if (!Path.Exists(path))
        {
            using var model = TinyRandomModel.Create(threads: threads);
            if (kind == "gguf")
                GgufExport.Write(model, path, BlockFormats.F16);
            else
                NativeExport.Write(model, path);
        }
        return LanguageModel.Load(path, new LoadOptions { Threads = threads });
    }

    /// <summary>Rows of ids, JSON Lines.</summary>
    public static string Data(string folder, int shift = 0)
    {
        var path = Path.Combine(folder, $"data-{shift}.jsonl");
        File.WriteAllLines(path, Enumerable.Range(0, 12).Select(r => $"{{\"input_ids\":[{string.Join(',', Enumerable.Range(0, 24).Select(t => 1 + (shift + r * 5 + t * (1 + r % 3)) % 200))}]}}"));
        return path;
    }

    public static float[] Logits(LanguageModel model)
    {
        int[] ids = [.. Enumerable.Range(1, 20)];
        var logits = new float[ids.Length * model.Config.VocabularySize];
        model.Decoder.Logits(model.Compute, new TokenBatch(ids, [0, ids.Length], [.. ids.Select(_ => TokenBatch.NoTarget)]), logits);
        return logits;
    }
}
