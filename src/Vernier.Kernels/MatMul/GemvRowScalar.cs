namespace Vernier.Kernels;

/// <summary>Row by row without vectors.</summary>
internal readonly unsafe struct GemvRowScalar : IGemvKernel
{
    public static InstructionTier Tier => InstructionTier.Scalar;

    public static void Dots(float* w, long stride, float* x, int depth, float* y, bool accumulate)
    {
        for (var r = 0; r < GemvDriver.RowsAtOnce; r++)
            y[r] = (accumulate ? y[r] : 0) + GemvDriver.Dot(w + r * stride, x, depth);
    }
}
