using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>What the products of each token are multiplied by, row by row of the weight: the tasks of a batch.</summary>
/// <param name="factors">[tokens] of [rows] each, null = ones; null = ones for all.</param>
internal readonly unsafe struct Int8RowFactors(float[]?[]? factors)
{
    // Of a line of the caches.
    private const int LineFloats = 16;

    /// <summary>Prefetches the factors of some rows: they come from memory, task by task, and there is work to do meanwhile.</summary>
    public void Fetch(int top, int bottom)
    {
        for (var t = 0; factors is not null && t < factors.Length && Sse.IsSupported; t++)
            fixed (float* factor = factors[t])
                for (var row = top; factor != null && row < bottom; row += LineFloats)
                    Sse.Prefetch1(factor + row);
    }

    /// <summary>Multiplies the products of some rows, while they are near.</summary>
    /// <param name="y">[tokens, rows].</param>
    public void Multiply(float* y, int rows, int top, int bottom)
    {
        for (var t = 0; factors is not null && t < factors.Length; t++)
            if (factors[t] is not null)
                fixed (float* factor = factors[t].AsSpan(0, rows))
                    Multiply(y + (long)t * rows, factor, top, bottom);
    }

    [MethodImpl(Kernel.Body)]
    private static void Multiply(float* y, float* factors, int row, int end)
    {
        for (; Vector.IsHardwareAccelerated && row <= end - Vector<float>.Count; row += Vector<float>.Count)
            (Vector.Load(y + row) * Vector.Load(factors + row)).Store(y + row);
        for (; row < end; row++)
            y[row] *= factors[row];
    }
}
