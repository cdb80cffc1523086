using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>32 rows x 6 tokens with AVX-512 BW.</summary>
internal readonly unsafe struct Int8Gemm32x6Avx512 : IInt8GemmKernel
{
    public static InstructionTier Tier => InstructionTier.Vector512;

    public static int Rows => 32;

    public static int Tokens => 6;

    public static void Multiply(in Int8Panel panel, in Int8Tokens x, float* y, long stride, bool accumulate)
    {
        if (panel.HasHalfGroups)
            MultiplyHalves(panel, x, y, stride, accumulate);
        else if (panel.Ratio >= panel.Groups)
            Multiply<WholeRow>(panel, x, y, stride, accumulate);
        else
            Multiply<EachGroup>(panel, x, y, stride, accumulate);
    }

    private static void MultiplyHalves(in Int8Panel panel, in Int8Tokens x, float* y, long stride, bool accumulate)
    {
        if (panel.Bits <= 5)
            Multiply<EachHalf, Int8PanelCodes.Narrow<Int8PanelCodes.FiveBits>>(panel, x, y, stride, accumulate);
        else if (panel.Bits == 6)
            Multiply<EachHalf, Int8PanelCodes.Narrow<Int8PanelCodes.SixBits>>(panel, x, y, stride, accumulate);
        else
            Multiply<EachHalf, Int8PanelCodes.Wide<Int8PanelCodes.Twice>>(panel, x, y, stride, accumulate);
    }

    private static void Multiply<TScales>(in Int8Panel panel, in Int8Tokens x, float* y, long stride, bool accumulate)
        where TScales : struct
    {
        switch (panel.Bits)
        {
            case <= 4:
                Multiply<TScales, Int8PanelCodes.Narrow<Int8PanelCodes.FourBits>>(panel, x, y, stride, accumulate);
                break;
            case 5:
                Multiply<TScales, Int8PanelCodes.Narrow<Int8PanelCodes.FiveBits>>(panel, x, y, stride, accumulate);
                break;
            case 6:
                Multiply<TScales, Int8PanelCodes.Narrow<Int8PanelCodes.SixBits>>(panel, x, y, stride, accumulate);
                break;
            default:
                Multiply<TScales, Int8PanelCodes.Wide<Int8PanelCodes.Once>>(panel, x, y, stride, accumulate);
                break;
        }
    }

    // Scales of whole rows come in once at the end. Which case it is, is a type, so that its tests are gone when this is compiled.
    // Several products, then as many sums: one of each in turn takes Zen 4 a fifth longer.
    [MethodImpl(Kernel.Body)]
    private static void Multiply<TScales, TCodes>(in Int8Panel panel, in Int8Tokens x, float* y, long stride, bool accumulate)
        where TScales : struct
        where TCodes : struct, IInt8PanelCodes
    {
        var (y00, y01) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (y10, y11) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (y20, y21) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (y30, y31) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (y40, y41) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (y50, y51) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var codes = panel.Codes;
        var q = x.Codes;
        var (group, left) = (0L, panel.Ratio);
        // Two halves of a group of the activations share its scale, and have sums of their own.
        var half = typeof(TScales) == typeof(EachHalf) ? 1 : 0;
        var sums = half == 0 ? x.Sums : x.HalfSums;
        for (var g = 0; g < panel.Groups; g++)
        {
            for (var part = 0; part < TCodes.Parts >> half; part++)
            {
                var (s00, s01) = (Vector512<int>.Zero, Vector512<int>.Zero);
                var (s10, s11) = (Vector512<int>.Zero, Vector512<int>.Zero);
                var (s20, s21) = (Vector512<int>.Zero, Vector512<int>.Zero);
                var (s30, s31) = (Vector512<int>.Zero, Vector512<int>.Zero);
                var (s40, s41) = (Vector512<int>.Zero, Vector512<int>.Zero);
                var (s50, s51) = (Vector512<int>.Zero, Vector512<int>.Zero);
                for (var step = 0; step < TCodes.Steps; step++, codes += 128, q += 4)
                {
                    var (w0, w1) = (Vector512.Load((int*)codes), Vector512.Load((int*)(codes + 64)));
                    var p = q;
                    var v = Vector512.Create(*(int*)p);
                    var m0 = TCodes.Multiply(w0, v);
                    var m1 = TCodes.Multiply(w1, v);
                    p += x.Stride;
                    v = Vector512.Create(*(int*)p);
                    var m2 = TCodes.Multiply(w0, v);
                    var m3 = TCodes.Multiply(w1, v);
                    s00 = TCodes.Add(s00, m0);
                    s01 = TCodes.Add(s01, m1);
                    s10 = TCodes.Add(s10, m2);
                    s11 = TCodes.Add(s11, m3);
                    p += x.Stride;
                    v = Vector512.Create(*(int*)p);
                    m0 = TCodes.Multiply(w0, v);
                    m1 = TCodes.Multiply(w1, v);
                    p += x.Stride;
                    v = Vector512.Create(*(int*)p);
                    m2 = TCodes.Multiply(w0, v);
                    m3 = TCodes.Multiply(w1, v);
                    s20 = TCodes.Add(s20, m0);
                    s21 = TCodes.Add(s21, m1);
                    s30 = TCodes.Add(s30, m2);
                    s31 = TCodes.Add(s31, m3);
                    p += x.Stride;
                    v = Vector512.Create(*(int*)p);
                    m0 = TCodes.Multiply(w0, v);
                    m1 = TCodes.Multiply(w1, v);
                    p += x.Stride;
                    v = Vector512.Create(*(int*)p);
                    m2 = TCodes.Multiply(w0, v);
                    m3 = TCodes.Multiply(w1, v);
                    s40 = TCodes.Add(s40, m0);
                    s41 = TCodes.Add(s41, m1);
                    s50 = TCodes.Add(s50, m2);
                    s51 = TCodes.Add(s51, m3);
                }
                var (a0, a1) = typeof(TScales) == typeof(WholeRow) ? default : (Vector512.Load(panel.Scales + group), Vector512.Load(panel.Scales + group + 16));
                var scale = x.Scales + (g >> half);
                var i0 = TCodes.Join(s00);
                var i1 = TCodes.Join(s01);
                var i2 = TCodes.Join(s10);
                var i3 = TCodes.Join(s11);
                var f0 = Avx512F.ConvertToVector512Single(i0);
                var f1 = Avx512F.ConvertToVector512Single(i1);
                var f2 = Avx512F.ConvertToVector512Single(i2);
                var f3 = Avx512F.ConvertToVector512Single(i3);
                var b = Vector512.Create(*scale);
                y00 = Avx512F.FusedMultiplyAdd(f0, typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y00);
                y01 = Avx512F.FusedMultiplyAdd(f1, typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y01);
                scale += x.Groups;
                b = Vector512.Create(*scale);
                y10 = Avx512F.FusedMultiplyAdd(f2, typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y10);
                y11 = Avx512F.FusedMultiplyAdd(f3, typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y11);
                i0 = TCodes.Join(s20);
                i1 = TCodes.Join(s21);
                i2 = TCodes.Join(s30);
                i3 = TCodes.Join(s31);
                f0 = Avx512F.ConvertToVector512Single(i0);
                f1 = Avx512F.ConvertToVector512Single(i1);
                f2 = Avx512F.ConvertToVector512Single(i2);
                f3 = Avx512F.ConvertToVector512Single(i3);
                scale += x.Groups;
                b = Vector512.Create(*scale);
                y20 = Avx512F.FusedMultiplyAdd(f0, typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y20);
                y21 = Avx512F.FusedMultiplyAdd(f1, typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y21);
                scale += x.Groups;
                b = Vector512.Create(*scale);
                y30 = Avx512F.FusedMultiplyAdd(f2, typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y30);
                y31 = Avx512F.FusedMultiplyAdd(f3, typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y31);
                i0 = TCodes.Join(s40);
                i1 = TCodes.Join(s41);
                i2 = TCodes.Join(s50);
                i3 = TCodes.Join(s51);
                f0 = Avx512F.ConvertToVector512Single(i0);
                f1 = Avx512F.ConvertToVector512Single(i1);
                f2 = Avx512F.ConvertToVector512Single(i2);
                f3 = Avx512F.ConvertToVector512Single(i3);
                scale += x.Groups;
                b = Vector512.Create(*scale);
                y40 = Avx512F.FusedMultiplyAdd(f0, typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y40);
                y41 = Avx512F.FusedMultiplyAdd(f1, typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y41);
                scale += x.Groups;
                b = Vector512.Create(*scale);
                y50 = Avx512F.FusedMultiplyAdd(f2, typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y50);
                y51 = Avx512F.FusedMultiplyAdd(f3, typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y51);
            }
            if (typeof(TScales) == typeof(WholeRow))
                continue;
            var (o0, o1) = (Vector512.Load(panel.Offsets + group), Vector512.Load(panel.Offsets + group + 16));
            var sum = sums + g;
            var total = Vector512.Create(*sum);
            y00 = Avx512F.FusedMultiplyAdd(o0, total, y00);
            y01 = Avx512F.FusedMultiplyAdd(o1, total, y01);
            sum += x.Groups << half;
            total = Vector512.Create(*sum);
            y10 = Avx512F.FusedMultiplyAdd(o0, total, y10);
            y11 = Avx512F.FusedMultiplyAdd(o1, total, y11);
            sum += x.Groups << half;
            total = Vector512.Create(*sum);
            y20 = Avx512F.FusedMultiplyAdd(o0, total, y20);
            y21 = Avx512F.FusedMultiplyAdd(o1, total, y21);
            sum += x.Groups << half;
            total = Vector512.Create(*sum);
            y30 = Avx512F.FusedMultiplyAdd(o0, total, y30);
            y31 = Avx512F.FusedMultiplyAdd(o1, total, y31);
            sum += x.Groups << half;
            total = Vector512.Create(*sum);
            y40 = Avx512F.FusedMultiplyAdd(o0, total, y40);
            y41 = Avx512F.FusedMultiplyAdd(o1, total, y41);
            sum += x.Groups << half;
            total = Vector512.Create(*sum);
            y50 = Avx512F.FusedMultiplyAdd(o0, total, y50);
            y51 = Avx512F.FusedMultiplyAdd(o1, total, y51);
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

    private readonly struct EachHalf;
}
