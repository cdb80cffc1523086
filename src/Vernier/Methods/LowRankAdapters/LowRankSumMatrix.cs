using Vernier.Kernels;

namespace Vernier.Methods.LowRankAdapters;

/// <summary>W + scaling · B A, added tile by tile when it is read: the whole never exists in memory.</summary>
internal sealed class LowRankSumMatrix(WeightMatrix weight, LowRankFactors factors) : WeightMatrix(weight.Rows, weight.Columns)
{
    /// <inheritdoc/>
    public override long Bytes => weight.Bytes + sizeof(float) * (factors.A.Value.Length + factors.B.Value.Length);

    /// <inheritdoc/>
    public override void ReadTile(int row, int rows, int column, int columns, Span<float> destination, int stride)
    {
        weight.ReadTile(row, rows, column, columns, destination, stride);
        LowRank.AddProduct(destination, stride, row, rows, column, columns, factors.B.Value.Span, factors.A.Value.Span, factors.Rank, Columns, factors.Scaling);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        weight.Dispose();
        factors.AMatrix.Dispose();
        factors.BMatrix.Dispose();
        base.Dispose();
    }
}
