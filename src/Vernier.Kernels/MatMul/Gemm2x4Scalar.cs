namespace Vernier.Kernels;

/// <summary>2 x 4 without vectors.</summary>
internal readonly unsafe struct Gemm2x4Scalar : IGemmKernel
{
    public static InstructionTier Tier => InstructionTier.Scalar;

    public static int Rows => 2;

    public static int Columns => 4;

    public static void Multiply(float* a, float* b, int depth, float* c, long stride, bool accumulate)
    {
        var (c00, c01, c02, c03) = (0f, 0f, 0f, 0f);
        var (c10, c11, c12, c13) = (0f, 0f, 0f, 0f);
        for (; depth > 0; depth--)
        {
            var (x, y) = (a[0], a[1]);
            c00 += x * b[0];
            c01 += x * b[1];
            c02 += x * b[2];
            c03 += x * b[3];
            c10 += y * b[0];
            c11 += y * b[1];
            c12 += y * b[2];
            c13 += y * b[3];
            a += 2;
            b += 4;
        }
        Store(c00, c01, c02, c03, c, accumulate);
        Store(c10, c11, c12, c13, c + stride, accumulate);
    }

    private static void Store(float x0, float x1, float x2, float x3, float* c, bool accumulate)
    {
        if (accumulate)
            (x0, x1, x2, x3) = (x0 + c[0], x1 + c[1], x2 + c[2], x3 + c[3]);
        (c[0], c[1], c[2], c[3]) = (x0, x1, x2, x3);
    }
}
