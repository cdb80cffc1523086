using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>The innermost loop of <see cref="Int8GemvFourRows{TDot}"/>.</summary>
internal unsafe interface IInt8FourRowDot
{
    static abstract InstructionTier Tier { get; }

    /// <summary>What codes are counted from.</summary>
    static abstract float Middle { get; }

    /// <summary>Σ factor * Σ (code - middle) * x over the groups of 32 for each row, and the sum of what its lanes begin with.</summary>
    /// <param name="w">The first row.</param>
    /// <param name="f">Factors from row to row.</param>
    /// <param name="groups">Even.</param>
    static abstract Vector128<float> Dot(
        byte* w, long rowBytes, float* factors, int f, int groups, sbyte* x, Vector256<float> s0, Vector256<float> s1, Vector256<float> s2, Vector256<float> s3);
}
