using Vernier.Models;

namespace Vernier;

/// <summary>How a model is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>Worker threads; 0 = one for each processor.</summary>
    [Option("threads", "worker threads; 0 = one for each processor", Range = "[0, 1024]")]
    public int Threads { get; init; }

    /// <summary>The arithmetic of matrix products.</summary>
    public ComputeMode Mode { get; init; } = ComputeMode.Fp32;

    /// <summary>Told of the blocks that are loaded: how many, of how many.</summary>
    public Action<int, int>? Progress { get; init; }
}
