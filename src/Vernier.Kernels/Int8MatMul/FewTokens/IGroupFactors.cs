using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>The factors of the products of 32 columns: one, or one for each half.</summary>
internal unsafe interface IGroupFactors
{
    /// <summary>Of 32 columns.</summary>
    static abstract int Count { get; }

    /// <summary>For eight sums of four neighbouring products, in their order.</summary>
    static abstract Vector256<float> Load(float* factors);
}

internal readonly unsafe struct WholeGroups : IGroupFactors
{
    public static int Count => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* factors) => Avx.BroadcastScalarToVector256(factors);
}

internal readonly unsafe struct HalfGroups : IGroupFactors
{
    public static int Count => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* factors) =>
        Avx.PermuteVar(Avx.BroadcastScalarToVector256((double*)factors).AsSingle(), Vector256.Create(0, 0, 0, 0, 1, 1, 1, 1));
}
