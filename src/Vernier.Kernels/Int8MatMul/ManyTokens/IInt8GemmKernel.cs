namespace Vernier.Kernels;

/// <summary>The innermost integer product of one instruction tier.</summary>
internal unsafe interface IInt8GemmKernel
{
    static abstract InstructionTier Tier { get; }

    /// <summary>Rows of the weight in a panel.</summary>
    static abstract int Rows { get; }

    /// <summary>Tokens at once.</summary>
    static abstract int Tokens { get; }

    /// <summary>y [Tokens, Rows] for one panel of the weight.</summary>
    /// <param name="panel">The weight's panel.</param>
    /// <param name="x">The first token's codes, scales and sums.</param>
    static abstract void Multiply(in Int8Panel panel, in Int8Tokens x, float* y, long stride, bool accumulate);
}
