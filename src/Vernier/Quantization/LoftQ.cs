using Vernier.Kernels;

namespace Vernier.Quantization;

/// <summary>LoftQ (arXiv 2310.08659): quantized weight and low-rank factors that together start near the full-precision weight.
/// Alternates Q = quantize(W - B A) and (B, A) = best rank-r approximation of W - Q.</summary>
internal static class LoftQ
{
    /// <summary>Rounds of the alternation in the paper.</summary>
    public const int Rounds = 5;

    /// <summary>Decomposes a weight [rows, columns].</summary>
    /// <param name="quantize">The quantizer of the base.</param>
    /// <returns>Q, B [rows, rank] and A [rank, columns] with W ≈ Q + B A.</returns>
    public static (PackedMatrix Quantized, float[] B, float[] A) Decompose(WeightMatrix weight, int rank, Func<WeightMatrix, PackedMatrix> quantize, CancellationToken cancel = default)
    {
        var (rows, columns) = (weight.Rows, weight.Columns);
        var full = weight.ToArray();
        using var rest = new DenseMatrix(rows, columns);
        full.CopyTo(rest.Values.Span);
        PackedMatrix? quantized = null;
        var (left, right) = (Array.Empty<double>(), Array.Empty<double>());
        for (var round = 0; round < Rounds; round++)
        {
            cancel.ThrowIfCancellationRequested();
            quantized?.Dispose();
            quantized = quantize(rest);
            var back = quantized.ToArray();
            (left, right) = LeadingSubspace.Factor(full.Zip(back, (w, q) => (double)w - q).ToArray(), rows, columns, rank);
            var span = rest.Values.Span;
            for (var i = 0; i < rows; i++)
            {
                cancel.ThrowIfCancellationRequested();
                for (var j = 0; j < columns; j++)
                {
                    var product = 0.0;
                    for (var k = 0; k < rank; k++)
                        product += left[i * rank + k] * right[k * columns + j];
                    span[i * columns + j] = (float)(full[i * columns + j] - product);
                }
            }
        }
        return (quantized!, Array.ConvertAll(left, v => (float)v), Array.ConvertAll(right, v => (float)v));
    }
}
