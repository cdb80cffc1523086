using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>6 x 8 with portable vectors of 4 lanes, fused where the processor can.</summary>
internal readonly unsafe struct Gemm6x8Vector128 : IGemmKernel
{
    public static InstructionTier Tier => InstructionTier.Vector128;

    public static int Rows => 6;

    public static int Columns => 8;

    [MethodImpl(Kernel.Body)]
    public static void Multiply(float* a, float* b, int depth, float* c, long stride, bool accumulate)
    {
        var (c00, c01) = (Vector128<float>.Zero, Vector128<float>.Zero);
        var (c10, c11) = (Vector128<float>.Zero, Vector128<float>.Zero);
        var (c20, c21) = (Vector128<float>.Zero, Vector128<float>.Zero);
        var (c30, c31) = (Vector128<float>.Zero, Vector128<float>.Zero);
        var (c40, c41) = (Vector128<float>.Zero, Vector128<float>.Zero);
        var (c50, c51) = (Vector128<float>.Zero, Vector128<float>.Zero);
        for (; depth > 0; depth--)
        {
            var (b0, b1) = (Vector128.Load(b), Vector128.Load(b + 4));
            var x = Vector128.Create(a[0]);
            c00 = Vector128.MultiplyAddEstimate(x, b0, c00);
            c01 = Vector128.MultiplyAddEstimate(x, b1, c01);
            x = Vector128.Create(a[1]);
            c10 = Vector128.MultiplyAddEstimate(x, b0, c10);
            c11 = Vector128.MultiplyAddEstimate(x, b1, c11);
            x = Vector128.Create(a[2]);
            c20 = Vector128.MultiplyAddEstimate(x, b0, c20);
            c21 = Vector128.MultiplyAddEstimate(x, b1, c21);
            x = Vector128.Create(a[3]);
            c30 = Vector128.MultiplyAddEstimate(x, b0, c30);
            c31 = Vector128.MultiplyAddEstimate(x, b1, c31);
            x = Vector128.Create(a[4]);
            c40 = Vector128.MultiplyAddEstimate(x, b0, c40);
            c41 = Vector128.MultiplyAddEstimate(x, b1, c41);
            x = Vector128.Create(a[5]);
            c50 = Vector128.MultiplyAddEstimate(x, b0, c50);
            c51 = Vector128.MultiplyAddEstimate(x, b1, c51);
            a += 6;
            b += 8;
        }
        Store(c00, c01, c, accumulate);
        Store(c10, c11, c + stride, accumulate);
        Store(c20, c21, c + 2 * stride, accumulate);
        Store(c30, c31, c + 3 * stride, accumulate);
        Store(c40, c41, c + 4 * stride, accumulate);
        Store(c50, c51, c + 5 * stride, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<float> x0, Vector128<float> x1, float* c, bool accumulate)
    {
        if (accumulate)
        {
            x0 += Vector128.Load(c);
            x1 += Vector128.Load(c + 4);
        }
        x0.Store(c);
        x1.Store(c + 4);
    }
}
