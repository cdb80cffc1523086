namespace Vernier.Kernels;

/// <summary>The slow, obvious bodies of <see cref="Gemm"/>, summed in double: they judge the fast ones.</summary>
internal static class GemmReference
{
    public static void Forward(ReadOnlySpan<float> x, int tokens, WeightMatrix weight, Span<float> y, bool accumulate)
    {
        var (n, k) = (weight.Rows, weight.Columns);
        var w = weight.ToArray();
        for (var t = 0; t < tokens; t++)
            for (var i = 0; i < n; i++)
            {
                var sum = 0.0;
                for (var j = 0; j < k; j++)
                    sum += (double)x[t * k + j] * w[i * k + j];
                y[t * n + i] = (float)(accumulate ? y[t * n + i] + sum : sum);
            }
    }

    public static void BackwardInput(ReadOnlySpan<float> dy, int tokens, WeightMatrix weight, Span<float> dx, bool accumulate)
    {
        var (n, k) = (weight.Rows, weight.Columns);
        var w = weight.ToArray();
        var sum = new double[k];
        for (var t = 0; t < tokens; t++)
        {
            Array.Clear(sum);
            for (var i = 0; i < n; i++)
                for (var j = 0; j < k; j++)
                    sum[j] += (double)dy[t * n + i] * w[i * k + j];
            for (var j = 0; j < k; j++)
                dx[t * k + j] = (float)(accumulate ? dx[t * k + j] + sum[j] : sum[j]);
        }
    }

    public static void WeightGradient(ReadOnlySpan<float> dy, ReadOnlySpan<float> x, int tokens, int outFeatures, int inFeatures, IGradientTileSink sink)
    {
        var sum = new double[inFeatures];
        var row = new float[inFeatures];
        for (var i = 0; i < outFeatures; i++)
        {
            Array.Clear(sum);
            for (var t = 0; t < tokens; t++)
                for (var j = 0; j < inFeatures; j++)
                    sum[j] += (double)dy[t * outFeatures + i] * x[t * inFeatures + j];
            for (var j = 0; j < inFeatures; j++)
                row[j] = (float)sum[j];
            sink.Accept(0, i, 1, 0, inFeatures, row, inFeatures);
        }
    }
}
