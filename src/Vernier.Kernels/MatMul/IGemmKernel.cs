namespace Vernier.Kernels;

/// <summary>The innermost product of one instruction tier. All of <see cref="GemmDriver"/> is written once over it.</summary>
internal unsafe interface IGemmKernel
{
    static abstract InstructionTier Tier { get; }

    /// <summary>Rows of c, the width of a panel of a.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns of c, the width of a panel of b.</summary>
    static abstract int Columns { get; }

    /// <summary>c [Rows, Columns] = aᵀ b, or c += aᵀ b with <paramref name="accumulate"/>.</summary>
    /// <param name="a">Panel [depth, Rows].</param>
    /// <param name="b">Panel [depth, Columns].</param>
    /// <param name="stride">Elements from one row of c to the next.</param>
    static abstract void Multiply(float* a, float* b, int depth, float* c, long stride, bool accumulate);
}
