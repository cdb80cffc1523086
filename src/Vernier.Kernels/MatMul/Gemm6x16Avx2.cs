using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>6 x 16 with FMA: 12 of 16 registers hold sums.</summary>
internal readonly unsafe struct Gemm6x16Avx2 : IGemmKernel
{
    public static InstructionTier Tier => InstructionTier.Vector256;

    public static int Rows => 6;

    public static int Columns => 16;

    [MethodImpl(Kernel.Body)]
    public static void Multiply(float* a, float* b, int depth, float* c, long stride, bool accumulate)
    {
        if (accumulate)
            for (var i = 0; i < Rows; i++) // the sums below are ready long after these lines have come
            {
                Sse.Prefetch0(c + i * stride);
                Sse.Prefetch0(c + i * stride + 8);
            }
        var (c00, c01) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var (c10, c11) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var (c20, c21) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var (c30, c31) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var (c40, c41) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var (c50, c51) = (Vector256<float>.Zero, Vector256<float>.Zero);
        for (; depth > 0; depth--)
        {
            var (b0, b1) = (Vector256.Load(b), Vector256.Load(b + 8));
            var x = Vector256.Create(a[0]);
            c00 = Fma.MultiplyAdd(x, b0, c00);
            c01 = Fma.MultiplyAdd(x, b1, c01);
            x = Vector256.Create(a[1]);
            c10 = Fma.MultiplyAdd(x, b0, c10);
            c11 = Fma.MultiplyAdd(x, b1, c11);
            x = Vector256.Create(a[2]);
            c20 = Fma.MultiplyAdd(x, b0, c20);
            c21 = Fma.MultiplyAdd(x, b1, c21);
            x = Vector256.Create(a[3]);
            c30 = Fma.MultiplyAdd(x, b0, c30);
            c31 = Fma.MultiplyAdd(x, b1, c31);
            x = Vector256.Create(a[4]);
            c40 = Fma.MultiplyAdd(x, b0, c40);
            c41 = Fma.MultiplyAdd(x, b1, c41);
            x = Vector256.Create(a[5]);
            c50 = Fma.MultiplyAdd(x, b0, c50);
            c51 = Fma.MultiplyAdd(x, b1, c51);
            a += 6;
            b += 16;
        }
        Store(c00, c01, c, accumulate);
        Store(c10, c11, c + stride, accumulate);
        Store(c20, c21, c + 2 * stride, accumulate);
        Store(c30, c31, c + 3 * stride, accumulate);
        Store(c40, c41, c + 4 * stride, accumulate);
        Store(c50, c51, c + 5 * stride, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> x0, Vector256<float> x1, float* c, bool accumulate)
    {
        if (accumulate)
        {
            x0 += Vector256.Load(c);
            x1 += Vector256.Load(c + 8);
        }
        x0.Store(c);
        x1.Store(c + 8);
    }
}
