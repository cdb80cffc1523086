using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Sums over one row. Four accumulators hide the latency of the adder.</summary>
internal static unsafe class Reduce
{
    /// <summary>Elements that are summed in float before they are added to a double.</summary>
    private const int Block = 1024;

    /// <summary>Σ a.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum<V>(float* a, int length)
        where V : unmanaged, ILanes<V>
    {
        var (s0, s1, s2, s3) = (V.Create(0f), V.Create(0f), V.Create(0f), V.Create(0f));
        var i = 0;
        for (; i <= length - 4 * V.Count; i += 4 * V.Count)
        {
            s0 += V.Load(a + i);
            s1 += V.Load(a + i + V.Count);
            s2 += V.Load(a + i + 2 * V.Count);
            s3 += V.Load(a + i + 3 * V.Count);
        }
        for (; i <= length - V.Count; i += V.Count)
            s0 += V.Load(a + i);
        var sum = V.Sum(s0 + s1 + (s2 + s3));
        for (; i < length; i++)
            sum += a[i];
        return sum;
    }

    /// <summary>Σ (a - center)².</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SquaredDistance<V>(float* a, float center, int length)
        where V : unmanaged, ILanes<V>
    {
        var (s0, s1) = (V.Create(0f), V.Create(0f));
        var m = V.Create(center);
        var i = 0;
        for (; i <= length - 2 * V.Count; i += 2 * V.Count)
        {
            var (d0, d1) = (V.Load(a + i) - m, V.Load(a + i + V.Count) - m);
            s0 = V.MultiplyAdd(d0, d0, s0);
            s1 = V.MultiplyAdd(d1, d1, s1);
        }
        var sum = V.Sum(s0 + s1);
        for (; i < length; i++)
            sum += (a[i] - center) * (a[i] - center);
        return sum;
    }

    /// <summary>Σ a b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dot<V>(float* a, float* b, int length)
        where V : unmanaged, ILanes<V>
    {
        var (s0, s1, s2, s3) = (V.Create(0f), V.Create(0f), V.Create(0f), V.Create(0f));
        var i = 0;
        for (; i <= length - 4 * V.Count; i += 4 * V.Count)
        {
            s0 = V.MultiplyAdd(V.Load(a + i), V.Load(b + i), s0);
            s1 = V.MultiplyAdd(V.Load(a + i + V.Count), V.Load(b + i + V.Count), s1);
            s2 = V.MultiplyAdd(V.Load(a + i + 2 * V.Count), V.Load(b + i + 2 * V.Count), s2);
            s3 = V.MultiplyAdd(V.Load(a + i + 3 * V.Count), V.Load(b + i + 3 * V.Count), s3);
        }
        for (; i <= length - V.Count; i += V.Count)
            s0 = V.MultiplyAdd(V.Load(a + i), V.Load(b + i), s0);
        var sum = V.Sum(s0 + s1 + (s2 + s3));
        for (; i < length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    /// <summary>Σ a b for four rows b, <paramref name="row"/> apart; the length is a multiple of the lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FourDots<V>(float* a, float* b, nint row, int length)
        where V : unmanaged, ILanes<V>
    {
        var (s0, s1, s2, s3) = (V.Create(0f), V.Create(0f), V.Create(0f), V.Create(0f));
        for (var end = a + length; a < end; a += V.Count, b += V.Count)
        {
            var x = V.Load(a);
            s0 = V.MultiplyAdd(x, V.Load(b), s0);
            s1 = V.MultiplyAdd(x, V.Load(b + row), s1);
            s2 = V.MultiplyAdd(x, V.Load(b + 2 * row), s2);
            s3 = V.MultiplyAdd(x, V.Load(b + 3 * row), s3);
        }
        return V.SumEach(s0, s1, s2, s3);
    }

    /// <summary>Σ a b c.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dot<V>(float* a, float* b, float* c, int length)
        where V : unmanaged, ILanes<V>
    {
        var (s0, s1) = (V.Create(0f), V.Create(0f));
        var i = 0;
        for (; i <= length - 2 * V.Count; i += 2 * V.Count)
        {
            s0 = V.MultiplyAdd(V.Load(a + i) * V.Load(b + i), V.Load(c + i), s0);
            s1 = V.MultiplyAdd(V.Load(a + i + V.Count) * V.Load(b + i + V.Count), V.Load(c + i + V.Count), s1);
        }
        var sum = V.Sum(s0 + s1);
        for (; i < length; i++)
            sum += a[i] * b[i] * c[i];
        return sum;
    }

    /// <summary>The largest element; a NaN may win or lose.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Maximum<V>(float* a, int length)
        where V : unmanaged, ILanes<V>
    {
        var (m0, m1) = (V.Create(float.NegativeInfinity), V.Create(float.NegativeInfinity));
        var i = 0;
        for (; i <= length - 2 * V.Count; i += 2 * V.Count)
        {
            m0 = V.Max(m0, V.Load(a + i));
            m1 = V.Max(m1, V.Load(a + i + V.Count));
        }
        var maximum = V.Maximum(V.Max(m0, m1));
        for (; i < length; i++)
            maximum = maximum > a[i] ? maximum : a[i];
        return maximum;
    }

    /// <summary>Σ e^(a - shift), over long rows in double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double ExpSum<V>(float* a, float shift, int length)
        where V : unmanaged, ILanes<V>
    {
        var total = 0.0;
        var m = V.Create(shift);
        var i = 0;
        while (i <= length - 2 * V.Count)
        {
            var (s0, s1) = (V.Create(0f), V.Create(0f));
            for (var stop = Math.Min(length, i + Block); i <= stop - 2 * V.Count; i += 2 * V.Count)
            {
                s0 += LaneMath.Exp(V.Load(a + i) - m);
                s1 += LaneMath.Exp(V.Load(a + i + V.Count) - m);
            }
            total += V.Sum(s0 + s1);
        }
        for (; i < length; i += V.Count)
            total += V.Sum(LaneMath.Exp(LaneMath.LoadPartial<V>(a + i, Math.Min(V.Count, length - i), float.NegativeInfinity) - m));
        return total;
    }

    /// <summary>destination = e^(a - shift), and its sum, over long rows in double. They may be one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double ExpSum<V>(float* a, float shift, int length, float* destination)
        where V : unmanaged, ILanes<V>
    {
        var total = 0.0;
        var m = V.Create(shift);
        var i = 0;
        while (i <= length - 2 * V.Count)
        {
            var (s0, s1) = (V.Create(0f), V.Create(0f));
            for (var stop = Math.Min(length, i + Block); i <= stop - 2 * V.Count; i += 2 * V.Count)
            {
                var e0 = LaneMath.Exp(V.Load(a + i) - m);
                var e1 = LaneMath.Exp(V.Load(a + i + V.Count) - m);
                e0.Store(destination + i);
                e1.Store(destination + i + V.Count);
                s0 += e0;
                s1 += e1;
            }
            total += V.Sum(s0 + s1);
        }
        for (; i < length; i += V.Count)
        {
            var rest = Math.Min(V.Count, length - i);
            var e = LaneMath.Exp(LaneMath.LoadPartial<V>(a + i, rest, float.NegativeInfinity) - m);
            LaneMath.StorePartial(e, destination + i, rest);
            total += V.Sum(e);
        }
        return total;
    }
}
