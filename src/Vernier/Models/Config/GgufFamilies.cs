using Vernier.Files.Gguf;

namespace Vernier.Models;

/// <summary>What GGUF files of some architectures say beside the keys that all have, and what llama.cpp knows by the architecture's name alone.</summary>
internal static class GgufFamilies
{
    /// <summary>Layers between two without a window in Gemma 2 and 3.</summary>
    internal const int Gemma2Period = 2;

    /// <inheritdoc cref="Gemma2Period"/>
    internal const int Gemma3Period = 6;

    /// <summary>Every how manieth layer of SmolLM 3 has no rotary positions.</summary>
    internal const int SmolLm3Interval = 4;

    /// <param name="config">As the keys that all architectures have describe it.</param>
    /// <exception cref="InvalidDataException">A key has a value that cannot be.</exception>
    public static ModelConfig Apply(GgufFile file, string architecture, ModelConfig config) => architecture switch
    {
        "gemma2" => Gemma(file, config) with
        {
            AttentionSoftCap = Number(file, architecture, "attn_logit_softcapping") ?? 50,
            LogitSoftCap = Number(file, architecture, "final_logit_softcapping") ?? 30,
        },
        "gemma3" => Gemma(file, config) with
        {
            LocalRopeTheta = Number(file, architecture, "rope.freq_base_swa") ?? 10000,
            LogitSoftCap = Number(file, architecture, "final_logit_softcapping") ?? 0,
        },
        "granite" => config with
        {
            AttentionScale = Number(file, architecture, "attention.scale") is { } scale and not 0 ? scale : config.AttentionScale,
            EmbeddingScale = Factor(file, architecture, "embedding_scale"),
            ResidualScale = Factor(file, architecture, "residual_scale"),
            LogitDivisor = Factor(file, architecture, "logit_scale"),
        },
        "olmo2" => config with { InputNorms = false, OutputNorms = true, QkNorm = true, WideQkNorm = true },
        "smollm3" => config with { RotaryLayers = SmolLm3Rotary(config.Layers) },
        _ => config,
    };

    /// <summary>What the file's name for the architecture means.</summary>
    public static bool[] SmolLm3Rotary(int layers) =>
        layers < SmolLm3Interval ? [] : [.. Enumerable.Range(0, layers).Select(l => (l + 1) % SmolLm3Interval != 0)];

    /// <summary>What llama.cpp divides q·k by is not in the file: the width of a head, in the largest sizes that of the model shared by the heads.</summary>
    public static float GemmaScale(ModelConfig config) => (float)(1 / Math.Sqrt(config.Layers == (config.Architecture == "gemma2" ? 46 : 62) ? (double)config.HiddenSize / config.Heads : config.HeadDim));

    private static ModelConfig Gemma(GgufFile file, ModelConfig config)
    {
        var second = config.Architecture == "gemma2";
        var window = config.AttentionWindows.Count > 0 ? config.AttentionWindows[0] : second ? 4096 : 0;
        var full = FullLayers(file, config, second ? Gemma2Period : Gemma3Period);
        return config with
        {
            Activation = ActivationKind.GeGluTanh,
            NormOffset = 1,
            OutputNorms = true,
            EmbeddingScale = MathF.Sqrt(config.HiddenSize),
            AttentionScale = GemmaScale(config),
            AttentionWindows = window == 0 ? [] : [.. full.Select(f => f ? 0 : window)],
        };
    }

    /// <summary>Layers without a window: the last of every period, or as the file lists them.</summary>
    private static bool[] FullLayers(GgufFile file, ModelConfig config, int period)
    {
        var key = $"{GgufArchitecture.ToGguf(config.Architecture)}.attention.sliding_window_pattern";
        if (file.Metadata.TryGet(key, out var pattern) && pattern.Type == GgufValueType.Array)
        {
            var sliding = pattern.AsBools();
            return sliding.Length == config.Layers ? [.. sliding.Select(s => !s)]
                : throw new InvalidDataException($"{file.Path}: metadata: key '{key}': found {sliding.Length} layers, expected {config.Layers}");
        }
        var stated = file.Metadata.FindInteger(key) ?? period;
        return stated > 0 ? [.. Enumerable.Range(0, config.Layers).Select(l => (l + 1) % stated == 0)]
            : throw new InvalidDataException($"{file.Path}: metadata: key '{key}': found {stated}, expected a positive number");
    }

    private static float? Number(GgufFile file, string architecture, string key) => (float?)file.Metadata.FindNumber($"{architecture}.{key}");

    // llama.cpp takes 0 for 1, too
    private static float Factor(GgufFile file, string architecture, string key) => Number(file, architecture, key) is { } factor and not 0 ? factor : 1;
}
