using System.Text;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Methods.LowRankAdapters;

/// <summary>The trainable factors of a low-rank weight change scaling · B A (LoRA, arXiv 2106.09685).</summary>
internal sealed class LowRankFactors
{
    /// <param name="module">Module path of the linear.</param>
    /// <param name="inFeatures">Columns of A: the layer's inputs, or its groups of inputs (QA-LoRA).</param>
    /// <param name="alpha">The change is scaled by alpha / rank.</param>
    /// <param name="seed">With the module's name it decides A, uniform within ±1/√in, and what dropout drops; B starts at 0.</param>
    /// <param name="dropout">Share of the low-rank path's inputs that a training pass drops.</param>
    public LowRankFactors(string module, int inFeatures, int outFeatures, int rank, float alpha, int seed, float dropout = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rank);
        Rank = rank;
        Scaling = alpha / rank;
        A = new Parameter(module + ".lora_A", rank, inFeatures) { Decays = true };
        B = new Parameter(module + ".lora_B", outFeatures, rank) { Decays = true };
        AMatrix = new DenseMatrix(rank, inFeatures, A.Value);
        BMatrix = new DenseMatrix(outFeatures, rank, B.Value);
        if (dropout is not (>= 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(dropout), dropout, "a share from 0 to below 1");
        (Dropout, Seed) = (dropout, Hash(module, seed));
        var random = new Random(Seed);
        var bound = 1 / MathF.Sqrt(inFeatures);
        foreach (ref var value in A.Value.Span)
            value = bound * (2 * random.NextSingle() - 1);
    }

    /// <summary>Rows of A, columns of B.</summary>
    public int Rank { get; }

    /// <summary>alpha / rank.</summary>
    public float Scaling { get; }

    /// <summary>Share of inputs that a training pass drops.</summary>
    public float Dropout { get; }

    /// <summary>Of this layer alone.</summary>
    internal int Seed { get; }

    /// <summary>[rank, in].</summary>
    public Parameter A { get; }

    /// <summary>[out, rank].</summary>
    public Parameter B { get; }

    /// <summary>A as an operand of products; the same memory.</summary>
    internal DenseMatrix AMatrix { get; }

    /// <summary>B as an operand of products; the same memory.</summary>
    internal DenseMatrix BMatrix { get; }

    // FNV-1a, so that a layer's start depends on the seed and its name alone, not on which other layers are trained.
    private static int Hash(string module, int seed)
    {
        var hash = 2166136261u ^ (uint)seed;
        foreach (var letter in Encoding.UTF8.GetBytes(module))
            hash = (hash ^ letter) * 16777619u;
        return (int)hash;
    }
}
