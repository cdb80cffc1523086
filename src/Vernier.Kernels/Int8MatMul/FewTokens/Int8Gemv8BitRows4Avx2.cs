using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Four rows of codes of 8 bits in groups of several times 32, or of whole rows.</summary>
internal readonly unsafe struct Int8Gemv8BitRows4Avx2 : IInt8FourRowDot
{
    public static InstructionTier Tier => InstructionTier.Vector256;

    public static float Middle => Int8DotAvx2.ByteMiddle;

    [MethodImpl(Kernel.Body)]
    public static Vector128<float> Dot(
        byte* w, long rowBytes, float* factors, int f, int groups, sbyte* x, Vector256<float> s0, Vector256<float> s1, Vector256<float> s2, Vector256<float> s3)
    {
        for (var g = 0; g < groups; g++, w += 32, x += 32)
        {
            var v = Vector256.Load(x);
            var p = factors + g;
            s0 = Int8DotAvx2.ScaledFromMiddle(Vector256.Load(w), v, p, s0);
            s1 = Int8DotAvx2.ScaledFromMiddle(Vector256.Load(w + rowBytes), v, p + f, s1);
            s2 = Int8DotAvx2.ScaledFromMiddle(Vector256.Load(w + 2 * rowBytes), v, p + 2 * f, s2);
            s3 = Int8DotAvx2.ScaledFromMiddle(Vector256.Load(w + 3 * rowBytes), v, p + 3 * f, s3);
        }
        return HorizontalSums.Each(s0, s1, s2, s3);
    }
}
