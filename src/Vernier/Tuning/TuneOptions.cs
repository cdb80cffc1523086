namespace Vernier.Tuning;

/// <summary>Where trained factors or scales live (PEQA).</summary>
public enum Granularity { Channel, Separable, Group }

/// <summary>What PEQA trains: a multiplier that starts at 1, or the scale itself as in the paper.</summary>
public enum Parameterization { Factor, Scale }

/// <summary>PEQA's ablation: which quantizer state is trained.</summary>
public enum TrainedState { Scales, Zeros, Both }

/// <summary>Which parameters full fine-tuning and QAT train.</summary>
public enum TuneScope { Block, All }

/// <summary>Shape of the learning rate over the steps.</summary>
public enum ScheduleKind { Constant, Linear, Cosine }

/// <summary>Everything a tuning run is made of. One declaration: command line, run file, resolved config and docs derive from it.</summary>
public sealed record TuneOptions
{
    /// <summary>peqa, l4q, lora, qlora, qat, qat-lora, qa-lora or full.</summary>
    public string Method { get; init; } = "peqa";
    public Granularity Granularity { get; init; } = Granularity.Separable;
    public Parameterization Parameterize { get; init; } = Parameterization.Factor;
    public TrainedState Train { get; init; } = TrainedState.Scales;
    /// <summary>Quantize (or re-quantize) first to this many bits; null = a quantized model is tuned on its own codes.</summary>
    public int? Bits { get; init; }
    /// <summary>Columns that share a scale when <see cref="Bits"/> is given; 0 = per channel.</summary>
    public int Group { get; init; }
    /// <summary>rtn, rtn-sym, mse or gptq.</summary>
    public string Scheme { get; init; } = "rtn";
    public int Rank { get; init; } = 4;
    /// <summary>LoRA's path is scaled by Alpha / Rank.</summary>
    public float Alpha { get; init; } = 8f;
    /// <summary>qv, qkvo, all or a regular expression over module names; null = the method's own default.</summary>
    public string? Targets { get; init; }
    public float Dropout { get; init; }
    public TuneScope Scope { get; init; } = TuneScope.Block;
    /// <summary>Start of the quantizer state or adapter, where the method has several (l4q: l4q, lsq+, symm, asymm; qlora: zero, loftq).</summary>
    public string? Init { get; init; }
    /// <summary>Learning rate of quantizer state (scales, offsets of l4q and qat-lora); null = <see cref="LearningRate"/>.</summary>
    public float? ScaleLearningRate { get; init; }
    public int Context { get; init; } = 512;
    public int Batch { get; init; } = 2;
    public int Accumulate { get; init; } = 1;
    /// <summary>Optimizer steps; null = by <see cref="Epochs"/>.</summary>
    public int? Steps { get; init; }
    public double? Epochs { get; init; }
    /// <summary>null = the method's own default.</summary>
    public float? LearningRate { get; init; }
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Linear;
    /// <summary>Share of the steps that warm up; null = W of max(1, floor(S / 10)) steps.</summary>
    public double? Warmup { get; init; }
    public float WeightDecay { get; init; }
    /// <summary>Global gradient norm limit; 0 = none.</summary>
    public float Clip { get; init; } = 1f;
    public float Beta1 { get; init; } = 0.9f;
    public float Beta2 { get; init; } = 0.999f;
    public float Epsilon { get; init; } = 1e-8f;
    public bool Shuffle { get; init; } = true;
    public bool TrainOnPrompt { get; init; }
    public int? EvalEvery { get; init; }
    public int? CheckpointEvery { get; init; }
    /// <summary>End after this many steps of the planned schedule, resumable.</summary>
    public int? StopAfter { get; init; }
    public int Seed { get; init; } = 1;
    /// <summary>Resident memory to stay below, in bytes; null = as much as is free. Decides how many blocks keep their insides for the backward pass.</summary>
    public long? MemoryLimit { get; init; }
}
