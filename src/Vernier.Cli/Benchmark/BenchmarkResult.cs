namespace Vernier.Cli.Benchmark;

/// <summary>What a model reaches on this machine, and what the machine could. Property names in snake_case are the fields of the JSON result.</summary>
internal sealed record BenchmarkResult
{
    /// <summary>Worker threads.</summary>
    public required int Threads { get; init; }

    /// <summary>Tokens of a prompt of 512 a second, with the arithmetic asked for.</summary>
    public required double PrefillTokensPerS { get; init; }

    /// <summary>Tokens generated one by one, a second.</summary>
    public required double DecodeTokensPerS { get; init; }

    /// <summary>The speed of decoding a token as a fraction of that of reading as many bytes from memory as it reads of weights: the median over rounds in which both take turns.</summary>
    public required double DecodeFractionOfRead { get; init; }

    /// <summary>Upper less lower quartile of the rounds' ratios behind <see cref="DecodeFractionOfRead"/>.</summary>
    public required double DecodeReadSpread { get; init; }

    /// <summary>Tokens a second of 16 sequences in one batch, all with one task; null where the model is not quantized.</summary>
    public required double? BatchTokensPerS { get; init; }

    /// <summary>The same batch with 8 different separable tasks, as a fraction of its speed with one: the median over rounds in which both take turns.</summary>
    public required double? BatchTasksRatio { get; init; }

    /// <summary>Upper less lower quartile of the rounds' ratios behind <see cref="BatchTasksRatio"/>.</summary>
    public required double? BatchTasksSpread { get; init; }

    /// <summary>Decoding with a task per channel in use, as a fraction of decoding without: the median over rounds in which both take turns, token by token.</summary>
    public required double? ActiveTaskRatio { get; init; }

    /// <summary>Upper less lower quartile of the rounds' ratios behind <see cref="ActiveTaskRatio"/>.</summary>
    public required double? ActiveTaskSpread { get; init; }

    /// <summary>As <see cref="ActiveTaskRatio"/>, with a task per group of columns.</summary>
    public required double? ActiveGroupTaskRatio { get; init; }

    /// <summary>As <see cref="ActiveTaskSpread"/>, with a task per group of columns.</summary>
    public required double? ActiveGroupTaskSpread { get; init; }

    /// <summary>Milliseconds to switch from one task to another.</summary>
    public required double? TaskSwitchMs { get; init; }

    /// <summary>Tokens a second of a PEQA step per channel, 2 x 512; null where the model is not quantized.</summary>
    public required double? TuneTokensPerS { get; init; }

    /// <summary>Largest resident memory of the process during all of it, in 10⁶ bytes.</summary>
    public required double ResidentMb { get; init; }

    /// <summary>fp32 fused multiply-add, GFLOP/s, all threads.</summary>
    public required double PeakFp32Gflops { get; init; }

    /// <summary>8-bit products, Gop/s, all threads.</summary>
    public required double PeakInt8Gops { get; init; }

    /// <summary>Sequential memory reads, all threads.</summary>
    public required double ReadGbPerS { get; init; }

    /// <summary>The training product Y = X Ŵᵀ over the model's widest layer and 1024 tokens, as a fraction of <see cref="PeakFp32Gflops"/>; null where only inference was measured.</summary>
    public required double? GemmFractionOfPeak { get; init; }

    /// <summary>The tuning step's necessary arithmetic (forward and input gradient, nothing recomputed) as a fraction of <see cref="PeakFp32Gflops"/>.</summary>
    public required double? TuneFractionOfPeak { get; init; }
}
