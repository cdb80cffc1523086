using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>The product of two small tiles that are in the nearest caches: the arithmetic of attention.</summary>
internal static unsafe class TileProduct
{
    /// <summary>Row counts of c are rounded up to this by <see cref="Multiply{V, T}"/>: rows beyond are computed from, and written to, padding.</summary>
    public const int RowGrain = 12;

    /// <summary>Column counts must be multiples of this.</summary>
    public static int ColumnGrain<V>()
        where V : unmanaged, ILanes<V> => 2 * V.Count;

    /// <summary>Up to so many rows of c cost least, at every tier.</summary>
    public const int FewRows = 3;

    /// <inheritdoc cref="Multiply{V, T}(float*, nint, nint, T*, nint, float*, nint, int, int, int, bool)"/>
    public static void Multiply<V>(
        float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow, int m, int n, int k, bool accumulate)
        where V : unmanaged, ILanes<V> =>
        Multiply<V, float>(a, aRow, aStep, b, bStep, c, cRow, m, n, k, accumulate);

    /// <summary>c [m, n] = a [m, k] b [k, n], or c +=. Element (i, s) of a is a[i * aRow + s * aStep], so a transposed tile needs no copy.</summary>
    /// <typeparam name="V">The vectors.</typeparam>
    /// <typeparam name="T">What b holds: float, or Half, which is converted each time that it is read.</typeparam>
    /// <param name="n">A multiple of <see cref="ColumnGrain"/>.</param>
    public static void Multiply<V, T>(
        float* a, nint aRow, nint aStep, T* b, nint bStep, float* c, nint cRow, int m, int n, int k, bool accumulate)
        where V : unmanaged, ILanes<V>
        where T : unmanaged
    {
        for (var j = 0; j < n; j += 2 * V.Count)
            for (var i = 0; i < m;)
            {
                // 32 registers hold 12 rows, 16 hold 6
                if (V.Count == 16 && m - i > 6)
                {
                    Block12<V, T>(a + i * aRow, aRow, aStep, b + j, bStep, c + i * cRow + j, cRow, k, accumulate);
                    i += 12;
                }
                else if (m - i > FewRows)
                {
                    Block6<V, T>(a + i * aRow, aRow, aStep, b + j, bStep, c + i * cRow + j, cRow, k, accumulate);
                    i += 6;
                }
                else
                {
                    Block3<V, T>(a + i * aRow, aRow, aStep, b + j, bStep, c + i * cRow + j, cRow, k, accumulate);
                    i += FewRows;
                }
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<V>(V first, V second, float* c, bool accumulate)
        where V : unmanaged, ILanes<V>
    {
        if (accumulate)
        {
            first += V.Load(c);
            second += V.Load(c + V.Count);
        }
        first.Store(c);
        second.Store(c + V.Count);
    }

    /// <summary>12 rows by two vectors.</summary>
    [MethodImpl(Kernel.Body)]
    private static void Block12<V, T>(float* a, nint aRow, nint aStep, T* b, nint bStep, float* c, nint cRow, int k, bool accumulate)
        where V : unmanaged, ILanes<V>
        where T : unmanaged
    {
        var (c0, d0) = (V.Create(0f), V.Create(0f));
        var (c1, d1) = (V.Create(0f), V.Create(0f));
        var (c2, d2) = (V.Create(0f), V.Create(0f));
        var (c3, d3) = (V.Create(0f), V.Create(0f));
        var (c4, d4) = (V.Create(0f), V.Create(0f));
        var (c5, d5) = (V.Create(0f), V.Create(0f));
        var (c6, d6) = (V.Create(0f), V.Create(0f));
        var (c7, d7) = (V.Create(0f), V.Create(0f));
        var (c8, d8) = (V.Create(0f), V.Create(0f));
        var (c9, d9) = (V.Create(0f), V.Create(0f));
        var (c10, d10) = (V.Create(0f), V.Create(0f));
        var (c11, d11) = (V.Create(0f), V.Create(0f));
        for (; k > 0; k--)
        {
            var (p, q) = (LaneMath.Load<V, T>(b), LaneMath.Load<V, T>(b + V.Count));
            var x = V.Create(a[0]);
            (c0, d0) = (V.MultiplyAdd(x, p, c0), V.MultiplyAdd(x, q, d0));
            x = V.Create(a[aRow]);
            (c1, d1) = (V.MultiplyAdd(x, p, c1), V.MultiplyAdd(x, q, d1));
            x = V.Create(a[2 * aRow]);
            (c2, d2) = (V.MultiplyAdd(x, p, c2), V.MultiplyAdd(x, q, d2));
            x = V.Create(a[3 * aRow]);
            (c3, d3) = (V.MultiplyAdd(x, p, c3), V.MultiplyAdd(x, q, d3));
            x = V.Create(a[4 * aRow]);
            (c4, d4) = (V.MultiplyAdd(x, p, c4), V.MultiplyAdd(x, q, d4));
            x = V.Create(a[5 * aRow]);
            (c5, d5) = (V.MultiplyAdd(x, p, c5), V.MultiplyAdd(x, q, d5));
            x = V.Create(a[6 * aRow]);
            (c6, d6) = (V.MultiplyAdd(x, p, c6), V.MultiplyAdd(x, q, d6));
            x = V.Create(a[7 * aRow]);
            (c7, d7) = (V.MultiplyAdd(x, p, c7), V.MultiplyAdd(x, q, d7));
            x = V.Create(a[8 * aRow]);
            (c8, d8) = (V.MultiplyAdd(x, p, c8), V.MultiplyAdd(x, q, d8));
            x = V.Create(a[9 * aRow]);
            (c9, d9) = (V.MultiplyAdd(x, p, c9), V.MultiplyAdd(x, q, d9));
            x = V.Create(a[10 * aRow]);
            (c10, d10) = (V.MultiplyAdd(x, p, c10), V.MultiplyAdd(x, q, d10));
            x = V.Create(a[11 * aRow]);
            (c11, d11) = (V.MultiplyAdd(x, p, c11), V.MultiplyAdd(x, q, d11));
            a += aStep;
            b += bStep;
        }
        Put(c0, d0, c, accumulate);
        Put(c1, d1, c + cRow, accumulate);
        Put(c2, d2, c + 2 * cRow, accumulate);
        Put(c3, d3, c + 3 * cRow, accumulate);
        Put(c4, d4, c + 4 * cRow, accumulate);
        Put(c5, d5, c + 5 * cRow, accumulate);
        Put(c6, d6, c + 6 * cRow, accumulate);
        Put(c7, d7, c + 7 * cRow, accumulate);
        Put(c8, d8, c + 8 * cRow, accumulate);
        Put(c9, d9, c + 9 * cRow, accumulate);
        Put(c10, d10, c + 10 * cRow, accumulate);
        Put(c11, d11, c + 11 * cRow, accumulate);
    }

    /// <summary>6 rows by two vectors.</summary>
    [MethodImpl(Kernel.Body)]
    private static void Block6<V, T>(float* a, nint aRow, nint aStep, T* b, nint bStep, float* c, nint cRow, int k, bool accumulate)
        where V : unmanaged, ILanes<V>
        where T : unmanaged
    {
        var (c0, d0) = (V.Create(0f), V.Create(0f));
        var (c1, d1) = (V.Create(0f), V.Create(0f));
        var (c2, d2) = (V.Create(0f), V.Create(0f));
        var (c3, d3) = (V.Create(0f), V.Create(0f));
        var (c4, d4) = (V.Create(0f), V.Create(0f));
        var (c5, d5) = (V.Create(0f), V.Create(0f));
        for (; k > 0; k--)
        {
            var (p, q) = (LaneMath.Load<V, T>(b), LaneMath.Load<V, T>(b + V.Count));
            var x = V.Create(a[0]);
            (c0, d0) = (V.MultiplyAdd(x, p, c0), V.MultiplyAdd(x, q, d0));
            x = V.Create(a[aRow]);
            (c1, d1) = (V.MultiplyAdd(x, p, c1), V.MultiplyAdd(x, q, d1));
            x = V.Create(a[2 * aRow]);
            (c2, d2) = (V.MultiplyAdd(x, p, c2), V.MultiplyAdd(x, q, d2));
            x = V.Create(a[3 * aRow]);
            (c3, d3) = (V.MultiplyAdd(x, p, c3), V.MultiplyAdd(x, q, d3));
            x = V.Create(a[4 * aRow]);
            (c4, d4) = (V.MultiplyAdd(x, p, c4), V.MultiplyAdd(x, q, d4));
            x = V.Create(a[5 * aRow]);
            (c5, d5) = (V.MultiplyAdd(x, p, c5), V.MultiplyAdd(x, q, d5));
            a += aStep;
            b += bStep;
        }
        Put(c0, d0, c, accumulate);
        Put(c1, d1, c + cRow, accumulate);
        Put(c2, d2, c + 2 * cRow, accumulate);
        Put(c3, d3, c + 3 * cRow, accumulate);
        Put(c4, d4, c + 4 * cRow, accumulate);
        Put(c5, d5, c + 5 * cRow, accumulate);
    }

    /// <summary>3 rows by two vectors.</summary>
    [MethodImpl(Kernel.Body)]
    private static void Block3<V, T>(float* a, nint aRow, nint aStep, T* b, nint bStep, float* c, nint cRow, int k, bool accumulate)
        where V : unmanaged, ILanes<V>
        where T : unmanaged
    {
        var (c0, d0) = (V.Create(0f), V.Create(0f));
        var (c1, d1) = (V.Create(0f), V.Create(0f));
        var (c2, d2) = (V.Create(0f), V.Create(0f));
        for (; k > 0; k--)
        {
            var (p, q) = (LaneMath.Load<V, T>(b), LaneMath.Load<V, T>(b + V.Count));
            var x = V.Create(a[0]);
            (c0, d0) = (V.MultiplyAdd(x, p, c0), V.MultiplyAdd(x, q, d0));
            x = V.Create(a[aRow]);
            (c1, d1) = (V.MultiplyAdd(x, p, c1), V.MultiplyAdd(x, q, d1));
            x = V.Create(a[2 * aRow]);
            (c2, d2) = (V.MultiplyAdd(x, p, c2), V.MultiplyAdd(x, q, d2));
            a += aStep;
            b += bStep;
        }
        Put(c0, d0, c, accumulate);
        Put(c1, d1, c + cRow, accumulate);
        Put(c2, d2, c + 2 * cRow, accumulate);
    }
}
