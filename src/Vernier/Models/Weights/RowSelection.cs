using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Rows of a matrix as a matrix of their own, and the way back: several linears that a file stores as one. Codes and scales are copied row by row, to the bit.</summary>
internal static class RowSelection
{
    /// <summary>The rows that <paramref name="order"/> names.</summary>
    public static PackedMatrix Take(PackedMatrix source, int rows, RotaryRowOrder order)
    {
        var taken = Like(source, rows);
        for (var row = 0; row < rows; row++)
            Copy(source, order.FileRow(row), taken, row);
        taken.StoreScales(source.Scales.IsHalf);
        return taken;
    }

    /// <summary>The stored matrix of several.</summary>
    /// <param name="parts">Each with the place of its rows; together they fill <paramref name="rows"/>.</param>
    /// <returns>Null where they differ in bits, groups, tables or order of columns, so that no one matrix holds them.</returns>
    public static PackedMatrix? Join(IReadOnlyList<(PackedMatrix Matrix, RotaryRowOrder Order)> parts, int rows)
    {
        var first = parts[0].Matrix;
        if (parts.Any(p => (p.Matrix.Bits, p.Matrix.GroupSize, p.Matrix.Columns) != (first.Bits, first.GroupSize, first.Columns)
            || !p.Matrix.Codebook.SequenceEqual(first.Codebook) || !p.Matrix.GroupIndex.SequenceEqual(first.GroupIndex)))
            return null;
        var joined = Like(first, rows);
        foreach (var (matrix, order) in parts)
            for (var row = 0; row < matrix.Rows; row++)
                Copy(matrix, row, joined, order.FileRow(row));
        joined.StoreScales(parts.All(p => p.Matrix.Scales.IsHalf));
        return joined;
    }

    private static PackedMatrix Like(PackedMatrix matrix, int rows) => new(rows, matrix.Columns, matrix.Bits, matrix.GroupSize,
        matrix.Codebook.IsEmpty ? null : matrix.Codebook.ToArray(), matrix.GroupIndex.IsEmpty ? null : matrix.GroupIndex.ToArray());

    private static void Copy(PackedMatrix source, int row, PackedMatrix target, int targetRow)
    {
        var codes = new byte[source.Columns];
        source.ReadCodes(row, 0, codes);
        target.SetRowCodes(targetRow, codes);
        var scales = target.TunedScales;
        source.Scales.ReadRow(row, scales.Scale.Slice((long)targetRow * target.Groups, target.Groups), scales.Offset.Slice((long)targetRow * target.Groups, target.Groups));
    }
}
