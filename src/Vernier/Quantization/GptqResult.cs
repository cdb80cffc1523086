using Vernier.Kernels;

namespace Vernier.Quantization;

/// <summary>What GPTQ makes of a weight [rows, columns].</summary>
/// <param name="Codes">[rows, columns], in the original order of columns.</param>
/// <param name="Grids">[rows, groups].</param>
/// <param name="GroupIndex">[columns]: the group of each column.</param>
/// <param name="Order">[columns]: Order[c] is the column taken c-th.</param>
/// <param name="Loss">Σ (w - ŵ)² / (2 U_jj²), the error that the algorithm itself counts.</param>
internal sealed record GptqResult(int Rows, int Columns, int Bits, int GroupSize, byte[] Codes, GroupGrid[] Grids, int[] GroupIndex, int[] Order, double Loss)
{
    /// <summary>Groups of a row.</summary>
    public int Groups => Grids.Length / Rows;

    /// <summary>The dequantized weight.</summary>
    public float Weight(int row, int column) => Grids[row * Groups + GroupIndex[column]].Decode(Codes[row * Columns + column]);

    /// <summary>As a packed weight.</summary>
    /// <exception cref="NotSupportedException">The groups are no runs of consecutive columns: activation order with groups that are not static.</exception>
    public PackedMatrix Pack()
    {
        for (var j = 0; j < Columns; j++)
            if (GroupIndex[j] != j / GroupSize)
                throw new NotSupportedException("groups in activation order are not runs of columns and cannot be packed; use static groups");
        var packed = new PackedMatrix(Rows, Columns, Bits, GroupSize);
        for (var i = 0; i < Rows; i++)
            packed.SetRowCodes(i, Codes.AsSpan(i * Columns, Columns));
        for (var at = 0; at < Grids.Length; at++)
        {
            packed.TunedScales.Scale.Span[at] = Grids[at].Scale;
            packed.TunedScales.Offset.Span[at] = -Grids[at].Scale * Grids[at].Zero;
        }
        packed.StoreScales(halves: false);
        return packed;
    }
}
