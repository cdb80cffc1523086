using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>32 rows x 6 tokens with AVX-512 BW.</summary>
internal readonly unsafe struct Int8Kernel512 : IInt8Kernel
{
    public static int Rows => 32;

    public static int Tokens => 6;

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
        var ones = Vector512.Create((short)1);
        var (y00, y01) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (y10, y11) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (y20, y21) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (y30, y31) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (y40, y41) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (y50, y51) = (Vector512<float>.Zero, Vector512<float>.Zero);
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
                var (s00, s01) = (Vector512<short>.Zero, Vector512<short>.Zero);
                var (s10, s11) = (Vector512<short>.Zero, Vector512<short>.Zero);
                var (s20, s21) = (Vector512<short>.Zero, Vector512<short>.Zero);
                var (s30, s31) = (Vector512<short>.Zero, Vector512<short>.Zero);
                var (s40, s41) = (Vector512<short>.Zero, Vector512<short>.Zero);
                var (s50, s51) = (Vector512<short>.Zero, Vector512<short>.Zero);
                for (var step = 0; step < 8; step++, codes += 4 * Rows, q += 4)
                {
                    var (w0, w1) = (Vector512.Load(codes), Vector512.Load(codes + 64));
                    var p = q;
                    var v = Vector512.Create(*(int*)p).AsSByte();
                    s00 += Avx512BW.MultiplyAddAdjacent(w0, v);
                    s01 += Avx512BW.MultiplyAddAdjacent(w1, v);
                    p += x.Stride;
                    v = Vector512.Create(*(int*)p).AsSByte();
                    s10 += Avx512BW.MultiplyAddAdjacent(w0, v);
                    s11 += Avx512BW.MultiplyAddAdjacent(w1, v);
                    p += x.Stride;
                    v = Vector512.Create(*(int*)p).AsSByte();
                    s20 += Avx512BW.MultiplyAddAdjacent(w0, v);
                    s21 += Avx512BW.MultiplyAddAdjacent(w1, v);
                    p += x.Stride;
                    v = Vector512.Create(*(int*)p).AsSByte();
                    s30 += Avx512BW.MultiplyAddAdjacent(w0, v);
                    s31 += Avx512BW.MultiplyAddAdjacent(w1, v);
                    p += x.Stride;
                    v = Vector512.Create(*(int*)p).AsSByte();
                    s40 += Avx512BW.MultiplyAddAdjacent(w0, v);
                    s41 += Avx512BW.MultiplyAddAdjacent(w1, v);
                    p += x.Stride;
                    v = Vector512.Create(*(int*)p).AsSByte();
                    s50 += Avx512BW.MultiplyAddAdjacent(w0, v);
                    s51 += Avx512BW.MultiplyAddAdjacent(w1, v);
                }
                var factor = plane == 0 ? 1f : 16f;
                var (a0, a1) = typeof(TScales) == typeof(WholeRow)
                    ? default
                    : (Vector512.Load(panel.Scales + group) * factor, Vector512.Load(panel.Scales + group + 16) * factor);
                var scale = x.Scales + g;
                var whole = typeof(TScales) == typeof(WholeRow) ? factor : 1f;
                var b = Vector512.Create(*scale * whole);
                y00 = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(s00, ones)), typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y00);
                y01 = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(s01, ones)), typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y01);
                scale += x.Groups;
                b = Vector512.Create(*scale * whole);
                y10 = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(s10, ones)), typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y10);
                y11 = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(s11, ones)), typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y11);
                scale += x.Groups;
                b = Vector512.Create(*scale * whole);
                y20 = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(s20, ones)), typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y20);
                y21 = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(s21, ones)), typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y21);
                scale += x.Groups;
                b = Vector512.Create(*scale * whole);
                y30 = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(s30, ones)), typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y30);
                y31 = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(s31, ones)), typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y31);
                scale += x.Groups;
                b = Vector512.Create(*scale * whole);
                y40 = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(s40, ones)), typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y40);
                y41 = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(s41, ones)), typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y41);
                scale += x.Groups;
                b = Vector512.Create(*scale * whole);
                y50 = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(s50, ones)), typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y50);
                y51 = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(s51, ones)), typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y51);
            }
            if (typeof(TScales) == typeof(WholeRow))
                continue;
            var (o0, o1) = (Vector512.Load(panel.Offsets + group), Vector512.Load(panel.Offsets + group + 16));
            var sum = x.Sums + g;
            var c = Vector512.Create(*sum);
            y00 = Avx512F.FusedMultiplyAdd(o0, c, y00);
            y01 = Avx512F.FusedMultiplyAdd(o1, c, y01);
            sum += x.Groups;
            c = Vector512.Create(*sum);
            y10 = Avx512F.FusedMultiplyAdd(o0, c, y10);
            y11 = Avx512F.FusedMultiplyAdd(o1, c, y11);
            sum += x.Groups;
            c = Vector512.Create(*sum);
            y20 = Avx512F.FusedMultiplyAdd(o0, c, y20);
            y21 = Avx512F.FusedMultiplyAdd(o1, c, y21);
            sum += x.Groups;
            c = Vector512.Create(*sum);
            y30 = Avx512F.FusedMultiplyAdd(o0, c, y30);
            y31 = Avx512F.FusedMultiplyAdd(o1, c, y31);
            sum += x.Groups;
            c = Vector512.Create(*sum);
            y40 = Avx512F.FusedMultiplyAdd(o0, c, y40);
            y41 = Avx512F.FusedMultiplyAdd(o1, c, y41);
            sum += x.Groups;
            c = Vector512.Create(*sum);
            y50 = Avx512F.FusedMultiplyAdd(o0, c, y50);
            y51 = Avx512F.FusedMultiplyAdd(o1, c, y51);
            if (--left == 0)
                (group, left) = (group + Rows, panel.Ratio);
        }
        if (typeof(TScales) == typeof(WholeRow))
        {
            (y00, y01) = Scale(y00, y01, panel, x.Totals[0]);
            (y10, y11) = Scale(y10, y11, panel, x.Totals[1]);
            (y20, y21) = Scale(y20, y21, panel, x.Totals[2]);
            (y30, y31) = Scale(y30, y31, panel, x.Totals[3]);
            (y40, y41) = Scale(y40, y41, panel, x.Totals[4]);
            (y50, y51) = Scale(y50, y51, panel, x.Totals[5]);
        }
        Store(y00, y01, y, accumulate);
        Store(y10, y11, y + stride, accumulate);
        Store(y20, y21, y + 2 * stride, accumulate);
        Store(y30, y31, y + 3 * stride, accumulate);
        Store(y40, y41, y + 4 * stride, accumulate);
        Store(y50, y51, y + 5 * stride, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float>, Vector512<float>) Scale(Vector512<float> y0, Vector512<float> y1, in Int8Panel panel, float total)
    {
        var c = Vector512.Create(total);
        y0 = Avx512F.FusedMultiplyAdd(Vector512.Load(panel.Offsets), c, y0 * Vector512.Load(panel.Scales));
        y1 = Avx512F.FusedMultiplyAdd(Vector512.Load(panel.Offsets + 16), c, y1 * Vector512.Load(panel.Scales + 16));
        return (y0, y1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> x0, Vector512<float> x1, float* y, bool accumulate)
    {
        if (accumulate)
        {
            x0 += Vector512.Load(y);
            x1 += Vector512.Load(y + 16);
        }
        x0.Store(y);
        x1.Store(y + 16);
    }

    private readonly struct WholeRow;

    private readonly struct EachGroup;
}
