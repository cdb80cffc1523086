using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>16 rows x 3 tokens with AVX2.</summary>
internal readonly unsafe struct Int8Kernel256 : IInt8Kernel
{
    public static int Rows => 16;

    public static int Tokens => 3;

    public static void Multiply(in Int8Panel panel, in Int8Tokens x, float* y, long stride, bool accumulate)
    {
        if (panel.Ratio >= panel.Groups)
            Multiply<WholeRow>(panel, x, y, stride, accumulate);
        else
            Multiply<EachGroup>(panel, x, y, stride, accumulate);
    }

    // Scales of whole rows come in once at the end. Which case it is, is a type, so that its tests are gone when this is compiled.
    [MethodImpl(Kernel.Body)]
    private static void Multiply<TScales>(in Int8Panel panel, in Int8Tokens x, float* y, long stride, bool accumulate)
        where TScales : struct
    {
        var ones = Vector256.Create((short)1);
        var (y00, y01) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var (y10, y11) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var (y20, y21) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var (group, left) = (0L, panel.Ratio);
        for (var g = 0; g < panel.Groups; g++)
        {
            for (var plane = 0; plane < 2; plane++)
            {
                var codes = plane == 0 ? panel.Low : panel.High;
                if (codes == null)
                    break;
                codes += (long)g * (QuantizedActivations.GroupSize * Rows);
                var q = x.Codes + g * QuantizedActivations.GroupSize;
                var (s00, s01) = (Vector256<short>.Zero, Vector256<short>.Zero);
                var (s10, s11) = (Vector256<short>.Zero, Vector256<short>.Zero);
                var (s20, s21) = (Vector256<short>.Zero, Vector256<short>.Zero);
                for (var step = 0; step < 8; step++, codes += 4 * Rows, q += 4)
                {
                    var (w0, w1) = (Vector256.Load(codes), Vector256.Load(codes + 32));
                    var p = q;
                    var v = Vector256.Create(*(int*)p).AsSByte();
                    s00 += Avx2.MultiplyAddAdjacent(w0, v);
                    s01 += Avx2.MultiplyAddAdjacent(w1, v);
                    p += x.Stride;
                    v = Vector256.Create(*(int*)p).AsSByte();
                    s10 += Avx2.MultiplyAddAdjacent(w0, v);
                    s11 += Avx2.MultiplyAddAdjacent(w1, v);
                    p += x.Stride;
                    v = Vector256.Create(*(int*)p).AsSByte();
                    s20 += Avx2.MultiplyAddAdjacent(w0, v);
                    s21 += Avx2.MultiplyAddAdjacent(w1, v);
                }
                var factor = plane == 0 ? 1f : 16f;
                var (a0, a1) = typeof(TScales) == typeof(WholeRow)
                    ? default
                    : (Vector256.Load(panel.Scales + group) * factor, Vector256.Load(panel.Scales + group + 8) * factor);
                var scale = x.Scales + g;
                var whole = typeof(TScales) == typeof(WholeRow) ? factor : 1f;
                var b = Vector256.Create(*scale * whole);
                y00 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(s00, ones)), typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y00);
                y01 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(s01, ones)), typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y01);
                scale += x.Groups;
                b = Vector256.Create(*scale * whole);
                y10 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(s10, ones)), typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y10);
                y11 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(s11, ones)), typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y11);
                scale += x.Groups;
                b = Vector256.Create(*scale * whole);
                y20 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(s20, ones)), typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y20);
                y21 = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Avx2.MultiplyAddAdjacent(s21, ones)), typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y21);
            }
            if (typeof(TScales) == typeof(WholeRow))
                continue;
            var (o0, o1) = (Vector256.Load(panel.Offsets + group), Vector256.Load(panel.Offsets + group + 8));
            var sum = x.Sums + g;
            var c = Vector256.Create(*sum);
            y00 = Fma.MultiplyAdd(o0, c, y00);
            y01 = Fma.MultiplyAdd(o1, c, y01);
            sum += x.Groups;
            c = Vector256.Create(*sum);
            y10 = Fma.MultiplyAdd(o0, c, y10);
            y11 = Fma.MultiplyAdd(o1, c, y11);
            sum += x.Groups;
            c = Vector256.Create(*sum);
            y20 = Fma.MultiplyAdd(o0, c, y20);
            y21 = Fma.MultiplyAdd(o1, c, y21);
            if (--left == 0)
                (group, left) = (group + Rows, panel.Ratio);
        }
        if (typeof(TScales) == typeof(WholeRow))
        {
            (y00, y01) = Scale(y00, y01, panel, x.Totals[0]);
            (y10, y11) = Scale(y10, y11, panel, x.Totals[1]);
            (y20, y21) = Scale(y20, y21, panel, x.Totals[2]);
        }
        Store(y00, y01, y, accumulate);
        Store(y10, y11, y + stride, accumulate);
        Store(y20, y21, y + 2 * stride, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float>, Vector256<float>) Scale(Vector256<float> y0, Vector256<float> y1, in Int8Panel panel, float total)
    {
        var c = Vector256.Create(total);
        y0 = Fma.MultiplyAdd(Vector256.Load(panel.Offsets), c, y0 * Vector256.Load(panel.Scales));
        y1 = Fma.MultiplyAdd(Vector256.Load(panel.Offsets + 8), c, y1 * Vector256.Load(panel.Scales + 8));
        return (y0, y1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> x0, Vector256<float> x1, float* y, bool accumulate)
    {
        if (accumulate)
        {
            x0 += Vector256.Load(y);
            x1 += Vector256.Load(y + 8);
        }
        x0.Store(y);
        x1.Store(y + 8);
    }

    private readonly struct WholeRow;

    private readonly struct EachGroup;
}
