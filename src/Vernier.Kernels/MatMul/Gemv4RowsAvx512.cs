using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Four rows side by side with AVX-512.</summary>
internal readonly unsafe struct Gemv4RowsAvx512 : IGemvKernel
{
    public static InstructionTier Tier => InstructionTier.Vector512;

    [MethodImpl(Kernel.Body)]
    public static void Dots(float* w, long stride, float* x, int depth, float* y, bool accumulate)
    {
        var (s0, s1, s2, s3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var i = 0;
        for (; i + 16 <= depth; i += 16)
        {
            var v = Vector512.Load(x + i);
            s0 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w + i), s0);
            s1 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w + stride + i), s1);
            s2 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w + 2 * stride + i), s2);
            s3 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w + 3 * stride + i), s3);
        }
        var sums = Vector128.Create(Vector512.Sum(s0), Vector512.Sum(s1), Vector512.Sum(s2), Vector512.Sum(s3));
        GemvDriver.Finish(sums, w + i, stride, x + i, depth - i, y, accumulate);
    }
}
