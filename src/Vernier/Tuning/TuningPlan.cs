using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>What a tuning run takes, by formula, before it starts. Biases are not counted: they are a ten-thousandth of a model.
/// Property names in snake_case are the fields of the JSON result.</summary>
/// <param name="TrainableParameters">Numbers that training changes.</param>
/// <param name="ModelBytes">Size of the tuned model as the papers count it: packed codes, for each group one fp16 scale and one zero point of as many bits as a code; all else fp16.</param>
/// <param name="OptimizerBytes">Adam's two moments, fp32.</param>
/// <param name="GradientBytes">Gradients and fp32 masters of the trained parameters, and the copy of them that a diverging run goes back to.</param>
/// <param name="ActivationBytes">Activations of a micro-batch.</param>
/// <param name="ResidentBytes">Memory of the run: weights as they are held, all of the above, the adapter's values as they are written, and the runtime.</param>
/// <param name="StepTeraflop">Necessary arithmetic of an optimizer step, 10^12 operations; recomputation is not counted.</param>
public sealed record TuningPlan(string Method, long TrainableParameters, long ModelBytes, long OptimizerBytes, long GradientBytes, long ActivationBytes, long ResidentBytes, double StepTeraflop)
{
    /// <summary>All numbers of the model.</summary>
    public long Parameters { get; init; }

    /// <summary>Those of them that one token is computed with: fewer where a router chooses experts.</summary>
    public long ActiveParameters { get; init; }

    /// <summary>Time of an optimizer step on this machine, by a short measurement; null where none was taken.</summary>
    public double? StepSeconds { get; init; }

    /// <summary>Time of the run on this machine: StepSeconds times --steps, or of one step where the options do not say how many; null where nothing was measured.</summary>
    public double? Seconds { get; init; }

    /// <summary>Arithmetic that a step does again for want of memory, 10^12 operations.</summary>
    public double RecomputedTeraflop { get; init; }

    /// <summary>The plan with times.</summary>
    /// <param name="gigaflops">Speed of training products, 10^9 operations a second: see <see cref="TrainingSpeed"/>.</param>
    /// <param name="steps">Of the run; null = not known.</param>
    public TuningPlan At(double gigaflops, int? steps)
    {
        var step = (StepTeraflop + RecomputedTeraflop) * 1e3 / gigaflops;
        return this with { StepSeconds = step, Seconds = step * (steps ?? 1) };
    }

    /// <summary>Code, tables of the runtime, tokenizer, worker stacks, panels of the products.</summary>
    private const long RuntimeBytes = 100L << 20;

    /// <summary>Plans a run on a published shape.</summary>
    /// <param name="storedBits">Bits of the model's own codes; null = full precision.</param>
    /// <param name="storedGroup">Columns that share a scale in the model's own format; 0 = per channel.</param>
    public static TuningPlan For(ModelConfig config, TuneOptions options, int? storedBits = null, int storedGroup = 0) => For(ModelOutline.Of(config, storedBits, storedGroup), options);

    /// <summary>Plans a run.</summary>
    /// <param name="options">Without a memory limit, activations may take what is free on this machine, as in the run.</param>
    /// <exception cref="ArgumentException">Unknown method, or one that needs codes where there are none.</exception>
    public static TuningPlan For(ModelOutline model, TuneOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Checked();
        var config = model.Config;
        var method = TuningMethods.Of(options);
        var plans = model.Linears.Select(l => method.Plan(l, options)).ToArray();
        if (method.NeedsCodes && plans.All(p => p.Result.Bits is null))
            throw new ArgumentException($"{options.Method} needs a quantized model or --bits", nameof(options));
        var tables = model.Tables.Where(t => method.TunesTable(t, options)).Select(t => method.Plan(t, options)).ToArray();
        var trainable = (method.TrainsAll(options) ? OtherParameters(config) : 0) + plans.Sum(p => p.Trained) + tables.Sum(t => t.Trained);
        var copies = trainable <= TrainingLoop.SnapshotLimit ? 3 : 2;
        var rest = model.OtherBytes + plans.Sum(p => p.HeldBytes) + tables.Sum(t => t.HeldBytes - t.Result.LoadedBytes) + (8 + 4 * copies + 4) * trainable + RuntimeBytes; // the last four are the adapter's values as they are written
        var tokens = options.Batch * Math.Min(options.Context, config.ContextLength);
        var limit = options.MemoryLimit ?? MemoryPlan.DefaultLimit(rest);
        var kept = ActivationPlan.For(config, tokens, Math.Max(0, limit - rest));
        var operations = StepOperations(model, Math.Min(options.Context, config.ContextLength), tokens, plans.Max(p => p.Products), method.TrainsAll(options) || tables.Length > 0);
        return new(options.Method, trainable, ModelSize(config, plans.Select(p => p.Result)), 8 * trainable, 4L * copies * trainable, kept.Bytes, rest + kept.Bytes,
            options.Accumulate * operations / 1e12)
        {
            Parameters = OtherParameters(config) + model.Linears.Sum(l => l.Weights),
            ActiveParameters = OtherParameters(config) + (long)Math.Round(ActiveWeights(model)),
            RecomputedTeraflop = options.Accumulate * 2e-12 * tokens * ActiveWeights(model) * Math.Max(0, config.Layers - 1 - kept.KeptBlocks) / Math.Max(1, config.Layers),
        };
    }

    /// <summary>Bytes of the model with its linears packed.</summary>
    /// <param name="group">Columns that share a scale; 0 = per channel.</param>
    public static long QuantizedBytes(ModelConfig config, int bits, int group) => ModelSize(config, LinearShape.Of(config, bits, group));

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
        count += perNorm * (config.Layers * ((config.ParallelBlock && !config.ParallelNorms ? 1 : config.InputNorms ? 2 : 0) + (config.OutputNorms ? 2 : 0)) + (config.FinalNorm ? 1 : 0));
        if (config.Experts is { } experts)
            count += (experts.Count + (experts.SharedSize > 0 ? 1L : 0)) * config.HiddenSize * (config.Layers - experts.DenseLayers.Count); // routers
        return config.QkNorm ? count + (config.WideQkNorm ? (long)config.Heads + config.KvHeads : 2L) * config.HeadDim * config.Layers : count;
    }

    /// <summary>Weights of the linears that a token is multiplied by.</summary>
    private static double ActiveWeights(ModelOutline model) => model.Linears.Sum(l => l.Weights * l.TokenShare);

    private static long ModelSize(ModelConfig config, IEnumerable<LinearShape> linears) => 2 * OtherParameters(config) + linears.Sum(l =>
        l.Bits is { } bits ? l.Weights * bits / 8 + 2 * l.Scales(l.Group) + l.Scales(l.Group) * bits / 8 : 2 * l.Weights);

    /// <summary>The products of the linears, as many for each as one of them needs; the head's two, or three where it is trained; attention's six.</summary>
    private static double StepOperations(ModelOutline model, int context, int tokens, int productsPerLinear, bool trainsHead)
    {
        var config = model.Config;
        var products = productsPerLinear * ActiveWeights(model) + (trainsHead ? 3.0 : 2.0) * config.VocabularySize * config.HiddenSize;
        var attention = 3.0 * context * config.Heads * config.HeadDim * config.Layers; // 6 products over half of the pairs
        return 2.0 * tokens * (products + attention);
    }
}
