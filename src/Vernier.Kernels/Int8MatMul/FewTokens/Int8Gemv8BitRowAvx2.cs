using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>A row of codes of 8 bits.</summary>
internal readonly unsafe struct Int8Gemv8BitRowAvx2 : IInt8RowDot
{
    public static InstructionTier Tier => InstructionTier.Vector256;

    public static bool Unpacks => false;

    public static float Middle => 0;

    [MethodImpl(Kernel.Body)]
    public static float Dot<TGroups>(byte* codes, float* factors, int groups, sbyte* x)
        where TGroups : struct, IGroupFactors
    {
        var (s0, s1) = (Vector256<float>.Zero, Vector256<float>.Zero);
        for (var g = 0; g < groups; g += 2, codes += 64, x += 64, factors += 2 * TGroups.Count)
        {
            s0 = Int8DotAvx2.ScaledFull<TGroups>(Vector256.Load(codes), Vector256.Load(x), factors, s0);
            s1 = Int8DotAvx2.ScaledFull<TGroups>(Vector256.Load(codes + 32), Vector256.Load(x + 32), factors + TGroups.Count, s1);
        }
        return Vector256.Sum(s0 + s1);
    }
}
