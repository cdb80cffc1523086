using Vernier.Kernels;

namespace Vernier.Quantization;

/// <summary>Quantizes a weight by itself, without data: each group of a row gets its grid, each weight its nearest code (RTN).</summary>
internal static class RoundToNearest
{
    /// <summary>Quantizes row by row; only one row exists in full precision at a time.</summary>
    /// <param name="weight">[rows, columns].</param>
    /// <param name="bits">2 to 8.</param>
    /// <param name="group">Columns that share a scale; 0 = the whole row.</param>
    /// <returns>Codes with Scale = s and Offset = -s z.</returns>
    /// <exception cref="InvalidDataException">A weight is not finite.</exception>
    public static PackedMatrix Quantize(WeightMatrix weight, int bits, int group, GridKind kind = GridKind.MinMax, CancellationToken cancel = default)
    {
        var packed = new PackedMatrix(weight.Rows, weight.Columns, bits, group);
        RowRanges.ForEach(weight.Rows, weight.Columns, (from, to) => QuantizeRows(weight, from, to, packed, kind, cancel));
        packed.StoreScales(halves: false);
        return packed;
    }

    private static void QuantizeRows(WeightMatrix weight, int from, int to, PackedMatrix packed, GridKind kind, CancellationToken cancel)
    {
        var row = new float[weight.Columns];
        var codes = new byte[weight.Columns];
        for (var i = from; i < to; i++)
        {
            cancel.ThrowIfCancellationRequested();
            weight.ReadTile(i, 1, 0, weight.Columns, row, weight.Columns);
            var scale = packed.TunedScales.Scale.Slice((long)i * packed.Groups, packed.Groups);
            var offset = packed.TunedScales.Offset.Slice((long)i * packed.Groups, packed.Groups);
            for (var g = 0; g < packed.Groups; g++)
            {
                var first = g * packed.GroupSize;
                var members = row.AsSpan(first, Math.Min(packed.GroupSize, row.Length - first));
                var grid = GroupGrid.Fit(members, packed.Bits, kind);
                if (!float.IsFinite(grid.Scale))
                    throw new InvalidDataException($"row {i}, columns {first} to {first + members.Length - 1}: a weight is not finite");
                for (var j = 0; j < members.Length; j++)
                    codes[first + j] = grid.Encode(members[j]);
                scale[g] = grid.Scale;
                offset[g] = -grid.Scale * grid.Zero;
            }
            packed.SetRowCodes(i, codes);
        }
    }
}
