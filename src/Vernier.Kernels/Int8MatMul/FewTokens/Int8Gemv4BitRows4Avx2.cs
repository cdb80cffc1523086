using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Four rows of codes of 4 bits in groups of several times 32, or of whole rows.</summary>
internal readonly unsafe struct Int8Gemv4BitRows4Avx2 : IInt8FourRowDot
{
    public static InstructionTier Tier => InstructionTier.Vector256;

    public static float Middle => 0;

    // Chunk by chunk: 64 codes in 32 bytes, the first 32 in the lower halves.
    [MethodImpl(Kernel.Body)]
    public static Vector128<float> Dot(
        byte* w, long rowBytes, float* factors, int f, int groups, sbyte* x, Vector256<float> s0, Vector256<float> s1, Vector256<float> s2, Vector256<float> s3)
    {
        var mask = Vector256.Create((byte)15);
        for (var g = 0; g < groups; g += 2, w += 32, x += 64)
        {
            var (x0, x1) = (Vector256.Load(x), Vector256.Load(x + 32));
            var p = factors + g;
            var v = Vector256.Load(w);
            s0 = Int8DotAvx2.Scaled(v & mask, x0, p, s0);
            s0 = Int8DotAvx2.Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 1, s0);
            v = Vector256.Load(w + rowBytes);
            p += f;
            s1 = Int8DotAvx2.Scaled(v & mask, x0, p, s1);
            s1 = Int8DotAvx2.Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 1, s1);
            v = Vector256.Load(w + 2 * rowBytes);
            p += f;
            s2 = Int8DotAvx2.Scaled(v & mask, x0, p, s2);
            s2 = Int8DotAvx2.Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 1, s2);
            v = Vector256.Load(w + 3 * rowBytes);
            p += f;
            s3 = Int8DotAvx2.Scaled(v & mask, x0, p, s3);
            s3 = Int8DotAvx2.Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 1, s3);
        }
        return HorizontalSums.Each(s0, s1, s2, s3);
    }
}
