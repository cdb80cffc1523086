using Vernier.Calibration;
using Vernier.Export;
using Vernier.Models;
using Vernier.Tokens;

namespace Vernier.Drills;

/// <summary>Random models of 4-bit codes with a tokenizer and a chat template, and data for them.</summary>
internal static class DrillModel
{
    public const string Template = "{% for m in messages %}{% if m['role'] == 'system' and loop.first %}S {{ m['content'] | trim }}\n{% else %}{{ '<|' + m.role + '|>' }}{{ m.content }}\n{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

    /// <param name="large">Large enough that a verb takes a moment.</param>
    public static LanguageModel Create(bool large, bool quantized = true)
    {
        var tokenizer = BytePairTrainer.Train("the quick brown fox jumps over the lazy dog and the quick cat", 280);
        var (hidden, layers, wide) = large ? (256, 6, 768) : (32, 1, 64);
        var config = new ModelConfig
        {
            Architecture = "llama",
            HiddenSize = hidden,
            Layers = layers,
            Heads = 2,
            KvHeads = 2,
            HeadDim = hidden / 2,
            RotaryDim = hidden / 2,
            FeedForwardSize = wide,
            VocabularySize = tokenizer.VocabularySize,
            ContextLength = 128,
            AttentionScale = 1 / MathF.Sqrt(hidden / 2),
            TiedHead = true,
            BosTokenId = 0,
            EosTokenIds = [0],
        };
        var model = LanguageModel.CreateRandom(config, 1, new LoadedTokenizer(tokenizer, Template, [0]), new LoadOptions { Threads = 1 });
        if (quantized)
            ModelQuantizer.Quantize(model.Decoder, model.Compute, new QuantizeOptions { Bits = 4, Group = 32 });
        return model;
    }

    /// <summary>Writes model.gguf (4 bits), full (a folder of full precision), text.txt, rows.jsonl, chat.jsonl.</summary>
    public static void WriteAll(DrillRun drill)
    {
        using (var model = Create(large: true))
            GgufExport.Write(model, drill.At("model.gguf"));
        using (var model = Create(large: true, quantized: false))
            HuggingFaceExport.Write(model, drill.At("full"), Vernier.Files.Tensors.ElementType.F32);
        File.WriteAllText(drill.At("text.txt"), string.Concat(Enumerable.Range(0, 300).Select(i => $"the quick fox {i} jumps over the lazy dog {i * 7 % 13}\n")));
        File.WriteAllText(drill.At("long.txt"), string.Concat(Enumerable.Range(0, 40_000).Select(i => $"the quick fox {i} jumps over the lazy dog {i * 7 % 13}\n")));
        File.WriteAllText(drill.At("rows.jsonl"), string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{{\"ids\":[1,2,3,{4 + i % 200}]}}\n")));
        File.WriteAllText(drill.At("texts.jsonl"), string.Concat(Enumerable.Range(0, 200_000).Select(i => $"{{\"text\":\"the quick fox {i}\"}}\n")));
    }
}
