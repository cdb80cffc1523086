using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>12 x 32 with AVX-512: 24 of 32 registers hold sums.</summary>
internal readonly unsafe struct Gemm12x32Avx512 : IGemmKernel
{
    public static InstructionTier Tier => InstructionTier.Vector512;

    public static int Rows => 12;

    public static int Columns => 32;

    [MethodImpl(Kernel.Body)]
    public static void Multiply(float* a, float* b, int depth, float* c, long stride, bool accumulate)
    {
        if (accumulate)
            for (var i = 0; i < Rows; i++) // the sums below are ready long after these lines have come
            {
                Sse.Prefetch0(c + i * stride);
                Sse.Prefetch0(c + i * stride + 16);
            }
        var (c00, c01) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (c10, c11) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (c20, c21) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (c30, c31) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (c40, c41) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (c50, c51) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (c60, c61) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (c70, c71) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (c80, c81) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (c90, c91) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (ca0, ca1) = (Vector512<float>.Zero, Vector512<float>.Zero);
        var (cb0, cb1) = (Vector512<float>.Zero, Vector512<float>.Zero);
        for (; depth > 0; depth--)
        {
            var (b0, b1) = (Vector512.Load(b), Vector512.Load(b + 16));
            var x = Vector512.Create(a[0]);
            c00 = Avx512F.FusedMultiplyAdd(x, b0, c00);
            c01 = Avx512F.FusedMultiplyAdd(x, b1, c01);
            x = Vector512.Create(a[1]);
            c10 = Avx512F.FusedMultiplyAdd(x, b0, c10);
            c11 = Avx512F.FusedMultiplyAdd(x, b1, c11);
            x = Vector512.Create(a[2]);
            c20 = Avx512F.FusedMultiplyAdd(x, b0, c20);
            c21 = Avx512F.FusedMultiplyAdd(x, b1, c21);
            x = Vector512.Create(a[3]);
            c30 = Avx512F.FusedMultiplyAdd(x, b0, c30);
            c31 = Avx512F.FusedMultiplyAdd(x, b1, c31);
            x = Vector512.Create(a[4]);
            c40 = Avx512F.FusedMultiplyAdd(x, b0, c40);
            c41 = Avx512F.FusedMultiplyAdd(x, b1, c41);
            x = Vector512.Create(a[5]);
            c50 = Avx512F.FusedMultiplyAdd(x, b0, c50);
            c51 = Avx512F.FusedMultiplyAdd(x, b1, c51);
            x = Vector512.Create(a[6]);
            c60 = Avx512F.FusedMultiplyAdd(x, b0, c60);
            c61 = Avx512F.FusedMultiplyAdd(x, b1, c61);
            x = Vector512.Create(a[7]);
            c70 = Avx512F.FusedMultiplyAdd(x, b0, c70);
            c71 = Avx512F.FusedMultiplyAdd(x, b1, c71);
            x = Vector512.Create(a[8]);
            c80 = Avx512F.FusedMultiplyAdd(x, b0, c80);
            c81 = Avx512F.FusedMultiplyAdd(x, b1, c81);
            x = Vector512.Create(a[9]);
            c90 = Avx512F.FusedMultiplyAdd(x, b0, c90);
            c91 = Avx512F.FusedMultiplyAdd(x, b1, c91);
            x = Vector512.Create(a[10]);
            ca0 = Avx512F.FusedMultiplyAdd(x, b0, ca0);
            ca1 = Avx512F.FusedMultiplyAdd(x, b1, ca1);
            x = Vector512.Create(a[11]);
            cb0 = Avx512F.FusedMultiplyAdd(x, b0, cb0);
            cb1 = Avx512F.FusedMultiplyAdd(x, b1, cb1);
            a += 12;
            b += 32;
        }
        Store(c00, c01, c, accumulate);
        Store(c10, c11, c + stride, accumulate);
        Store(c20, c21, c + 2 * stride, accumulate);
        Store(c30, c31, c + 3 * stride, accumulate);
        Store(c40, c41, c + 4 * stride, accumulate);
        Store(c50, c51, c + 5 * stride, accumulate);
        Store(c60, c61, c + 6 * stride, accumulate);
        Store(c70, c71, c + 7 * stride, accumulate);
        Store(c80, c81, c + 8 * stride, accumulate);
        Store(c90, c91, c + 9 * stride, accumulate);
        Store(ca0, ca1, c + 10 * stride, accumulate);
        Store(cb0, cb1, c + 11 * stride, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> x0, Vector512<float> x1, float* c, bool accumulate)
    {
        if (accumulate)
        {
            x0 += Vector512.Load(c);
            x1 += Vector512.Load(c + 16);
        }
        x0.Store(c);
        x1.Store(c + 16);
    }
}
