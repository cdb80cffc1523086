using Vernier.Models;
using Vernier.Tuning.Methods;

namespace Vernier.Tuning;

/// <summary>What a tuning run takes, by formula, before it starts. Biases are not counted: they are a ten-thousandth of a model.</summary>
/// <param name="TrainableParameters">Numbers that training changes.</param>
/// <param name="ModelBytes">Size of the model as the papers count it: packed codes, for each group one fp16 scale and one zero point of as many bits as a code; all else fp16.</param>
/// <param name="OptimizerBytes">Adam's two moments, fp32.</param>
/// <param name="GradientBytes">Gradients and fp32 masters of the trained parameters.</param>
/// <param name="ActivationBytes">Activations of a micro-batch.</param>
/// <param name="ResidentBytes">Memory of the run: weights as they are held, all of the above, and the runtime.</param>
public sealed record TuningPlan(string Method, long TrainableParameters, long ModelBytes, long OptimizerBytes, long GradientBytes, long ActivationBytes, long ResidentBytes)
{
    private const long RuntimeBytes = 90L << 20; // code, tables of the runtime, tokenizer, worker stacks

    /// <summary>Plans a run.</summary>
    /// <param name="storedBits">Bits of the model's own codes; null = full precision.</param>
    /// <param name="storedGroup">Columns that share a scale in the model's own format; 0 = per channel.</param>
    public static TuningPlan For(ModelConfig config, TuneOptions options, int? storedBits = null, int storedGroup = 0)
    {
        TuningMethods.Find(options.Method);
        var bits = options.Bits ?? storedBits;
        var group = options.Bits is null ? storedGroup : options.Group;
        var quantizes = options.Method is not ("lora" or "full");
        if (quantizes && bits is null)
            throw new ArgumentException($"{options.Method} needs a quantized model or --bits", nameof(options));
        var shapes = LinearShape.OfBlock(config);
        var trainable = TrainableCount(config, options, shapes, group);
        var parameters = config.Layers * shapes.Sum(s => s.Weights) + OtherParameters(config);
        var deployed = quantizes ? bits : storedBits;
        var model = deployed is { } b ? QuantizedBytes(config, b, group) : 2 * parameters;
        var rest = HeldBytes(config, options, shapes, bits, group, storedBits) + 16 * trainable + RuntimeBytes;
        var limit = options.MemoryLimit ?? MemoryPlan.DefaultLimit(rest);
        var activations = ActivationPlan.For(config, options.Batch * options.Context, Math.Max(0, limit - rest)).Bytes;
        return new(options.Method, trainable, model, 8 * trainable, 8 * trainable, activations, rest + activations);
    }

    /// <summary>Bytes of the model with its linears packed.</summary>
    /// <param name="group">Columns that share a scale; 0 = per channel.</param>
    public static long QuantizedBytes(ModelConfig config, int bits, int group)
    {
        var shapes = LinearShape.OfBlock(config);
        var codes = config.Layers * shapes.Sum(s => s.Weights) * bits / 8;
        var scales = config.Layers * shapes.Sum(s => s.Out * Groups(s, group));
        return codes + 2 * scales + scales * bits / 8 + 2 * OtherParameters(config);
    }

    /// <summary>Parameters outside the blocks' linears: embeddings, positions, head and norms.</summary>
    public static long OtherParameters(ModelConfig config)
    {
        long width = config.EmbeddingSize == 0 ? config.HiddenSize : config.EmbeddingSize;
        var count = config.VocabularySize * width * (config.TiedHead ? 1 : 2);
        if (config.EmbeddingSize != 0 && config.EmbeddingSize != config.HiddenSize)
            count += 2 * width * config.HiddenSize;
        if (config.Positions == PositionKind.Learned)
            count += ((long)config.ContextLength + config.PositionOffset) * config.HiddenSize;
        var perNorm = config.Norm == NormKind.LayerNorm ? 2L * config.HiddenSize : config.HiddenSize;
        count += perNorm * (config.Layers * (config.ParallelBlock ? 1 : 2) + (config.FinalNorm ? 1 : 0));
        return config.QkNorm ? count + 2L * config.HeadDim * config.Layers : count;
    }

    private static long TrainableCount(ModelConfig config, TuneOptions options, IReadOnlyList<LinearShape> shapes, int group)
    {
        var targets = LinearTargets.Parse(options.Targets ?? (options.Method is "lora" or "qlora" ? LoraAdapter.DefaultTargets : "all"));
        var low = shapes.Where(s => targets(s.Name)).ToArray();
        var perBlock = options.Method switch
        {
            "peqa" => shapes.Sum(s => PeqaCount(s, options, group)),
            "lora" or "qlora" => low.Sum(s => (long)options.Rank * (s.In + s.Out)),
            "qa-lora" => low.Sum(s => options.Rank * (Groups(s, group) + s.Out)),
            "l4q" or "qat-lora" => low.Sum(s => (long)options.Rank * (s.In + s.Out) + 2 * s.Out * Groups(s, group)),
            "qat" => shapes.Sum(s => s.Weights + s.Out * Groups(s, group)),
            _ => shapes.Sum(s => s.Weights),
        };
        var outside = options.Method is "full" or "qat" && options.Scope == TuneScope.All ? OtherParameters(config) : 0;
        return config.Layers * perBlock + outside;
    }

    private static long PeqaCount(LinearShape shape, TuneOptions options, int group)
    {
        var all = shape.Out * Groups(shape, group);
        var scales = options.Granularity switch
        {
            Granularity.Channel => shape.Out,
            Granularity.Separable => shape.Out + Groups(shape, group),
            _ => all,
        };
        return (options.Train == TrainedState.Zeros ? 0 : scales) + (options.Train == TrainedState.Scales ? 0 : all);
    }

    // Weights in memory: packed codes with fp32 scale and offset (twice where they are tuned), fp16 for frozen full precision; fp32 masters count as parameters.
    private static long HeldBytes(ModelConfig config, TuneOptions options, IReadOnlyList<LinearShape> shapes, int? bits, int group, int? storedBits)
    {
        var other = 2 * OtherParameters(config);
        var weights = config.Layers * shapes.Sum(s => s.Weights);
        var scales = config.Layers * shapes.Sum(s => s.Out * Groups(s, group));
        return options.Method switch
        {
            "full" or "qat" => other,
            "peqa" or "qa-lora" => other + weights * bits!.Value / 8 + 16 * scales,
            "qlora" => other + weights * bits!.Value / 8 + 8 * scales,
            _ => other + (storedBits is { } b ? weights * b / 8 + 8 * config.Layers * shapes.Sum(s => s.Out * Groups(s, group)) : 2 * weights),
        };
    }

    private static long Groups(LinearShape shape, int group) => group == 0 ? 1 : (shape.In + group - 1) / group;
}
