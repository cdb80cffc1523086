using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Row by row with portable vectors of 4 lanes, fused where the processor can.</summary>
internal readonly unsafe struct GemvRowVector128 : IGemvKernel
{
    public static InstructionTier Tier => InstructionTier.Vector128;

    public static void Dots(float* w, long stride, float* x, int depth, float* y, bool accumulate)
    {
        for (var r = 0; r < GemvDriver.RowsAtOnce; r++)
            y[r] = (accumulate ? y[r] : 0) + Dot(w + r * stride, x, depth);
    }

    private static float Dot(float* w, float* x, int depth)
    {
        var (s0, s1) = (Vector128<float>.Zero, Vector128<float>.Zero);
        var i = 0;
        for (; i + 8 <= depth; i += 8)
        {
            s0 = Vector128.MultiplyAddEstimate(Vector128.Load(w + i), Vector128.Load(x + i), s0);
            s1 = Vector128.MultiplyAddEstimate(Vector128.Load(w + i + 4), Vector128.Load(x + i + 4), s1);
        }
        return Vector128.Sum(s0 + s1) + GemvDriver.Dot(w + i, x + i, depth - i);
    }
}
