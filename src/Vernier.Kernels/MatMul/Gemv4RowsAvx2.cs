using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Four rows side by side with FMA.</summary>
internal readonly unsafe struct Gemv4RowsAvx2 : IGemvKernel
{
    public static InstructionTier Tier => InstructionTier.Vector256;

    [MethodImpl(Kernel.Body)]
    public static void Dots(float* w, long stride, float* x, int depth, float* y, bool accumulate)
    {
        var (s0, s1, s2, s3) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        var i = 0;
        for (; i + 8 <= depth; i += 8)
        {
            var v = Vector256.Load(x + i);
            s0 = Fma.MultiplyAdd(v, Vector256.Load(w + i), s0);
            s1 = Fma.MultiplyAdd(v, Vector256.Load(w + stride + i), s1);
            s2 = Fma.MultiplyAdd(v, Vector256.Load(w + 2 * stride + i), s2);
            s3 = Fma.MultiplyAdd(v, Vector256.Load(w + 3 * stride + i), s3);
        }
        var sums = Vector128.Create(Vector256.Sum(s0), Vector256.Sum(s1), Vector256.Sum(s2), Vector256.Sum(s3));
        GemvDriver.Finish(sums, w + i, stride, x + i, depth - i, y, accumulate);
    }
}
