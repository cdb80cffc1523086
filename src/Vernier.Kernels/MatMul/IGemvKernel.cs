namespace Vernier.Kernels;

/// <summary>The innermost product of <see cref="GemvDriver"/>.</summary>
internal unsafe interface IGemvKernel
{
    static abstract InstructionTier Tier { get; }

    /// <summary>y [<see cref="GemvDriver.RowsAtOnce"/>] = w x for the rows of w, or y +=.</summary>
    /// <param name="stride">Elements from row to row of w.</param>
    static abstract void Dots(float* w, long stride, float* x, int depth, float* y, bool accumulate);
}
