using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>16 rows x 3 tokens with AVX2.</summary>
internal readonly unsafe struct Int8Gemm16x3Avx2 : IInt8GemmKernel
{
    public static InstructionTier Tier => InstructionTier.Vector256;

    public static int Rows => 16;

    public static int Tokens => 3;

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
        var (y00, y01) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var (y10, y11) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var (y20, y21) = (Vector256<float>.Zero, Vector256<float>.Zero);
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
                var (s00, s01) = (Vector256<int>.Zero, Vector256<int>.Zero);
                var (s10, s11) = (Vector256<int>.Zero, Vector256<int>.Zero);
                var (s20, s21) = (Vector256<int>.Zero, Vector256<int>.Zero);
                for (var step = 0; step < TCodes.Steps; step++, codes += 64, q += 4)
                {
                    var (w0, w1) = (Vector256.Load((int*)codes), Vector256.Load((int*)(codes + 32)));
                    var p = q;
                    var v = Vector256.Create(*(int*)p);
                    var m0 = TCodes.Multiply(w0, v);
                    var m1 = TCodes.Multiply(w1, v);
                    p += x.Stride;
                    v = Vector256.Create(*(int*)p);
                    var m2 = TCodes.Multiply(w0, v);
                    var m3 = TCodes.Multiply(w1, v);
                    s00 = TCodes.Add(s00, m0);
                    s01 = TCodes.Add(s01, m1);
                    s10 = TCodes.Add(s10, m2);
                    s11 = TCodes.Add(s11, m3);
                    p += x.Stride;
                    v = Vector256.Create(*(int*)p);
                    m0 = TCodes.Multiply(w0, v);
                    m1 = TCodes.Multiply(w1, v);
                    s20 = TCodes.Add(s20, m0);
                    s21 = TCodes.Add(s21, m1);
                }
                var (a0, a1) = typeof(TScales) == typeof(WholeRow) ? default : (Vector256.Load(panel.Scales + group), Vector256.Load(panel.Scales + group + 8));
                var scale = x.Scales + (g >> half);
                var i0 = TCodes.Join(s00);
                var i1 = TCodes.Join(s01);
                var i2 = TCodes.Join(s10);
                var i3 = TCodes.Join(s11);
                var f0 = Avx.ConvertToVector256Single(i0);
                var f1 = Avx.ConvertToVector256Single(i1);
                var f2 = Avx.ConvertToVector256Single(i2);
                var f3 = Avx.ConvertToVector256Single(i3);
                var b = Vector256.Create(*scale);
                y00 = Fma.MultiplyAdd(f0, typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y00);
                y01 = Fma.MultiplyAdd(f1, typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y01);
                scale += x.Groups;
                b = Vector256.Create(*scale);
                y10 = Fma.MultiplyAdd(f2, typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y10);
                y11 = Fma.MultiplyAdd(f3, typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y11);
                i0 = TCodes.Join(s20);
                i1 = TCodes.Join(s21);
                f0 = Avx.ConvertToVector256Single(i0);
                f1 = Avx.ConvertToVector256Single(i1);
                scale += x.Groups;
                b = Vector256.Create(*scale);
                y20 = Fma.MultiplyAdd(f0, typeof(TScales) == typeof(WholeRow) ? b : a0 * b, y20);
                y21 = Fma.MultiplyAdd(f1, typeof(TScales) == typeof(WholeRow) ? b : a1 * b, y21);
            }
            if (typeof(TScales) == typeof(WholeRow))
                continue;
            var (o0, o1) = (Vector256.Load(panel.Offsets + group), Vector256.Load(panel.Offsets + group + 8));
            var sum = sums + g;
            var total = Vector256.Create(*sum);
            y00 = Fma.MultiplyAdd(o0, total, y00);
            y01 = Fma.MultiplyAdd(o1, total, y01);
            sum += x.Groups << half;
            total = Vector256.Create(*sum);
            y10 = Fma.MultiplyAdd(o0, total, y10);
            y11 = Fma.MultiplyAdd(o1, total, y11);
            sum += x.Groups << half;
            total = Vector256.Create(*sum);
            y20 = Fma.MultiplyAdd(o0, total, y20);
            y21 = Fma.MultiplyAdd(o1, total, y21);
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

    private readonly struct EachHalf;
}
