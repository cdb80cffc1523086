using Vernier.Data;

namespace Vernier.Tuning;

/// <summary>Where trained factors or scales live (PEQA).</summary>
public enum Granularity
{
    /// <summary>One for each output channel.</summary>
    Channel,

    /// <summary>One for each output channel times one for each group of columns.</summary>
    Separable,

    /// <summary>One for each output channel and group of columns.</summary>
    Group,

    /// <summary>1 + U Vᵀ, a factor for each output channel and group of columns.</summary>
    LowRank,
}

/// <summary>What PEQA trains: a multiplier that starts at 1, or the scale itself as in the paper.</summary>
public enum Parameterization
{
    /// <summary>A multiplier of scale and offset.</summary>
    Factor,

    /// <summary>The scale.</summary>
    Scale,
}

/// <summary>PEQA's ablation: which quantizer state is trained.</summary>
public enum TrainedState
{
    /// <summary>Scales, or their factors.</summary>
    Scales,

    /// <summary>Zero points.</summary>
    Zeros,

    /// <summary>Scales and zero points.</summary>
    Both,
}

/// <summary>The state that a run leaves: that of its last step, or that of the lowest validation loss.</summary>
public enum KeptState
{
    /// <summary>That of the last step.</summary>
    Last,

    /// <summary>That of the lowest validation loss, the start among them.</summary>
    Best,
}

/// <summary>Which parameters full fine-tuning and QAT train.</summary>
public enum TuneScope
{
    /// <summary>The linears of the blocks.</summary>
    Block,

    /// <summary>All parameters.</summary>
    All,
}

/// <summary>Shape of the learning rate over the steps.</summary>
public enum ScheduleKind
{
    /// <summary>The peak, to the end.</summary>
    Constant,

    /// <summary>Down to 0 in a straight line.</summary>
    Linear,

    /// <summary>Down to 0 by half a cosine.</summary>
    Cosine,
}

/// <summary>Everything a tuning run is made of. One declaration: command line, run file, resolved config and docs derive from it.</summary>
public sealed record TuneOptions
{
    internal const int MostRank = 16384;

    /// <summary>One of <see cref="TuningMethods.Names"/>: peqa, l4q, lora, qlora, qat, qat-lora, qa-lora or full, and what a program registers.</summary>
    [MethodOption("method")]
    public string Method { get; init; } = TuningMethods.Default;
    /// <summary>peqa: where the trained factors lie.</summary>
    [Option("granularity", "peqa: one factor per channel, per channel and per column group (separable), per group, or per group by factors of --rank (low-rank); a group is what the file has one fp16 scale for: the super-block of K-quants")]
    public Granularity Granularity { get; init; } = Granularity.Separable;
    /// <summary>peqa: what is trained, a factor or the scale itself.</summary>
    [Option("parameterize", "peqa: train a factor that starts at 1 (lr is relative), or the scale itself as in the paper")]
    public Parameterization Parameterize { get; init; } = Parameterization.Factor;
    /// <summary>peqa: scales, zero points or both.</summary>
    [Option("train", "peqa ablation: train scales, zeros or both")]
    public TrainedState Train { get; init; } = TrainedState.Scales;
    /// <summary>peqa: tune the output matrix too.</summary>
    [Option("tune-head", "peqa: tune the output matrix too, where it is in codes below 8 bits; it is the embedding table as well where the model ties them")]
    public bool TuneHead { get; init; }
    /// <summary>peqa: train also what the model's own file cannot take back.</summary>
    [Option("allow-unexportable", "peqa: train also what the model's GGUF blocks cannot take back, such as a factor for every 16 or 32 columns of a K-quant; export --to native or hf takes it")]
    public bool AllowUnexportable { get; init; }
    /// <summary>Quantize (or re-quantize) first to this many bits; null = a quantized model is tuned on its own codes.</summary>
    [Option("bits", "quantize (or re-quantize) first to this many bits; without it a quantized model is tuned on its own codes", Range = "[2, 8]")]
    public int? Bits { get; init; }
    /// <summary>Columns that share a scale when <see cref="Bits"/> is given; 0 = per channel.</summary>
    [Option("group", "columns that share a scale when --bits is given; 0 = per channel", Range = "[0, 1048576]")]
    public int Group { get; init; }
    /// <summary>rtn, rtn-sym or mse; nf4 for qlora, bcq for peqa.</summary>
    [SchemeOption("scheme", "quantizer used with --bits: rtn, rtn-sym or mse; qlora: nf4 too; peqa: bcq too (binary codes, all their factors trained); gptq: quantize first")]
    public string Scheme { get; init; } = "rtn";
    /// <summary>Rank of the low-rank factors; of peqa, of <see cref="Granularity.LowRank"/>.</summary>
    [Option("rank", "rank of the low-rank factors (peqa: of the granularity low-rank)", Range = "[1, 16384]")]
    public int Rank { get; init; } = 4;
    /// <summary>LoRA's path is scaled by Alpha / Rank.</summary>
    [Option("alpha", "the low-rank path is scaled by alpha / rank", Range = "(0, ]")]
    public float Alpha { get; init; } = 8f;
    /// <summary>HF PEFT's rank_pattern: see <see cref="ModulePatterns"/>.</summary>
    [Option("rank-pattern", "other ranks for some modules, REGEX=N;REGEX=N; an expression matches the end of a module's path")]
    public string? RankPattern { get; init; }
    /// <summary>HF PEFT's alpha_pattern.</summary>
    [Option("alpha-pattern", "other alphas for some modules, REGEX=X;REGEX=X")]
    public string? AlphaPattern { get; init; }
    /// <summary>lora, qlora and qat-lora: share of the low-rank path's inputs that a training pass drops, 0 to below 1.</summary>
    [Option("dropout", "lora, qlora and qat-lora: share of the low-rank path's inputs that a training pass drops", Range = "[0, 1)")]
    public float Dropout { get; init; }
    /// <summary>qv, qkvo, all or a regular expression over module names; null = the method's own default.</summary>
    [Option("targets", "linears with low-rank factors: qv, qkvo, all or a regular expression over module names; peqa: an expression chooses what is tuned, the embedding table and the output matrix included")]
    public string? Targets { get; init; }
    /// <summary>full and qat: which weights are trained.</summary>
    [Option("scope", "full and qat: train the block linears, or all parameters")]
    public TuneScope Scope { get; init; } = TuneScope.Block;
    /// <summary>Start of the quantizer state or adapter, where the method has several (l4q: l4q, lsq+, symm, asymm; qlora: zero, loftq).</summary>
    [StartOption("init", "start of the quantizer or adapter: l4q, lsq+, symm, asymm (l4q); zero, loftq (qlora)")]
    public string? Init { get; init; }
    /// <summary>Learning rate of quantizer state (scales, offsets of l4q and qat-lora); null = <see cref="LearningRate"/>.</summary>
    [Option("scale-lr", "learning rate of the quantizer state of l4q and qat-lora; default: --lr", Range = "[0, ]")]
    public float? ScaleLearningRate { get; init; }
    /// <summary>qat, l4q and qat-lora: multiplies the gradients of steps and offsets by 1 / sqrt(weights of the group * largest code), as LSQ (arXiv 1902.08153) does.</summary>
    [Option("gradient-scale", "qat, l4q and qat-lora: multiply the gradients of steps and offsets by 1/sqrt(weights of the group * largest code), as LSQ does")]
    public bool GradientScale { get; init; }
    /// <summary>l4q and qat-lora: gguf or mlx, whose rounding of scales and offsets the loop applies; null = none.</summary>
    [Option("export-format", "l4q and qat-lora: round scales and offsets in the loop as this format will store them: gguf or mlx (fp16)", Values = ["gguf", "mlx"])]
    public string? ExportFormat { get; init; }
    /// <summary>Tokens of a row.</summary>
    [Option("context", "tokens of a row", Range = "[2, 16777216]")]
    public int Context { get; init; } = 512;
    /// <summary>Rows of a micro-batch.</summary>
    [Option("batch", "rows of a micro-batch", Range = "[1, 65536]")]
    public int Batch { get; init; } = 2;
    /// <summary>Micro-batches of an optimizer step.</summary>
    [Option("accumulate", "micro-batches of an optimizer step", Range = "[1, 65536]")]
    public int Accumulate { get; init; } = 1;
    /// <summary>Optimizer steps; null = by <see cref="Epochs"/>.</summary>
    [Option("steps", "optimizer steps", Range = "[1, 1000000000]")]
    public int? Steps { get; init; }
    /// <summary>Passes over the data, in place of <see cref="Steps"/>.</summary>
    [Option("epochs", "passes over the data, instead of --steps", Range = "(0, 1000000]")]
    public double? Epochs { get; init; }
    /// <summary>null = the method's own default.</summary>
    [Option("lr", "peak learning rate; default: the method's own", Range = "[0, ]")]
    public float? LearningRate { get; init; }
    /// <summary>Shape of the learning rate after warm-up.</summary>
    [Option("schedule", "shape of the learning rate after warm-up: constant, linear or cosine")]
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Linear;
    /// <summary>Share of the steps that warm up; null = W of max(1, floor(S / 10)) steps.</summary>
    [Option("warmup", "share of the steps that warm up; default: a tenth, at least one step", Range = "[0, 1]")]
    public double? Warmup { get; init; }
    /// <summary>AdamW's weight decay; never on scales, offsets, norms or biases.</summary>
    [Option("weight-decay", "AdamW weight decay (never on scales, offsets, norms or biases)", Range = "[0, ]")]
    public double WeightDecay { get; init; }
    /// <summary>Global gradient norm limit; 0 = none.</summary>
    [Option("clip", "limit of the global gradient norm; 0 = none", Range = "[0, ]")]
    public float Clip { get; init; } = 1f;
    /// <summary>AdamW's beta1.</summary>
    [Option("beta1", "AdamW beta1", Range = "[0, 1)")]
    public double Beta1 { get; init; } = 0.9;
    /// <summary>AdamW's beta2.</summary>
    [Option("beta2", "AdamW beta2", Range = "[0, 1)")]
    public double Beta2 { get; init; } = 0.999;
    /// <summary>AdamW's epsilon.</summary>
    [Option("eps", "AdamW epsilon", Range = "(0, ]")]
    public double Epsilon { get; init; } = 1e-8;
    /// <summary>Rows in a new order in every epoch; false = file order.</summary>
    [Option("shuffle", "shuffle the rows anew in every epoch (--no-shuffle: file order)")]
    public bool Shuffle { get; init; } = true;
    /// <summary>The prompt has a loss too, not the answer only.</summary>
    [Option("train-on-prompt", "loss on the prompt too, not on the answer only")]
    public bool TrainOnPrompt { get; init; }
    /// <summary>Steps between validations; null = before and after only.</summary>
    [Option("eval-every", "validation loss every N steps; default: before and after only", Range = "[1, 1000000000]")]
    public int? EvalEvery { get; init; }
    /// <summary>Which state the run leaves.</summary>
    [Option("keep", "what the run leaves: the state of its last step, or the one with the lowest validation loss, the start among them (needs validation data; validates every tenth of the steps unless --eval-every says otherwise)")]
    public KeptState Keep { get; init; } = KeptState.Last;
    /// <summary>End when so many validations in a row have not been lower than the lowest before them; null = never.</summary>
    [Option("patience", "end the run when N validations in a row were not lower than the lowest before them (needs validation data)", Range = "[1, 1000000000]")]
    public int? Patience { get; init; }
    /// <summary>Steps between checkpoints; null = a tenth of the steps, at least 10.</summary>
    [Option("checkpoint-every", "checkpoint every N steps; default: a tenth of the steps, at least 10", Range = "[1, 1000000000]")]
    public int? CheckpointEvery { get; init; }
    /// <summary>End after this many steps of the planned schedule, resumable.</summary>
    [Option("stop-after", "end after N steps of the planned schedule, resumable", Range = "[1, 1000000000]")]
    public int? StopAfter { get; init; }
    /// <summary>Seed of everything random.</summary>
    [Option("seed", "seed of everything random", Range = "[-2147483648, 2147483647]")]
    public int Seed { get; init; } = 1;
    /// <summary>Name under which others find the base model, for adapter_config.json and the card; null = by the model's path.</summary>
    [Option("base-model", "repository (OWNER/NAME) or folder under which others find the base model, for adapter_config.json and the card; default: by the model's path")]
    public string? BaseModel { get; init; }
    /// <summary>Resident memory to stay below, in bytes; null = 0.6 GB, or a tenth above what the model takes. Decides how many blocks keep their activations for the backward pass.</summary>
    [Option("memory-limit", "resident memory to stay below, e.g. 400M or 1.5G; default: 600M, or a tenth above what the model takes", Range = "[1, ]")]
    public long? MemoryLimit { get; init; }

    /// <summary>How the run lays out its data.</summary>
    public RowOptions Rows => new(Context, TrainOnPrompt);

    /// <summary>Refuses values that make no sense, alone or together.</summary>
    /// <param name="dash">What stands in front of an option's name in messages: <c>--</c> on the command line.</param>
    /// <exception cref="ArgumentException">One does not; names the option, the value, and what was expected.</exception>
    public TuneOptions Checked(string dash = "")
    {
        TuneOptionRules.Check(this, dash);
        return this;
    }
}
