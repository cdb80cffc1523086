using Vernier.Models;

namespace Vernier;

/// <summary>How a model is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>Worker threads; 0 = one for each processor.</summary>
    public int Threads { get; init; }

    /// <summary>The arithmetic of matrix products.</summary>
    public ComputeMode Mode { get; init; } = ComputeMode.Fp32;
}
