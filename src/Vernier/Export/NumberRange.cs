using Vernier.Files.Tensors;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Quantization;

namespace Vernier.Export;

/// <summary>Looks through whole tensors for numbers that their type in a file cannot hold, before the file is begun.</summary>
internal static class NumberRange
{
    /// <summary>The weights of a matrix, or the values of a vector, as plain numbers of a type.</summary>
    /// <inheritdoc cref="StorableNumbers.Require"/>
    public static void Require(string name, WeightMatrix? matrix, Parameter? vector, ElementType type)
    {
        if (vector is not null)
            StorableNumbers.Require(name, vector.Value.Span, type);
        else if (matrix is PackedMatrix packed)
            RequireWeights(name, packed, type);
        else if (matrix is not null && !(matrix is HalfMatrix half && (half.Format == HalfFormat.Fp16 || type != ElementType.F16)))
            RequireRows(name, matrix, type);
    }

    /// <summary>Of a group the weights of the first and the last code are the farthest from 0.</summary>
    private static void RequireWeights(string name, PackedMatrix matrix, ElementType type)
    {
        var (least, most) = matrix.Codebook.IsEmpty ? (0f, (1 << matrix.Bits) - 1f) : Ends(matrix.Codebook);
        var (scale, offset, weights) = (new float[matrix.Groups], new float[matrix.Groups], new float[2 * matrix.Groups]);
        for (var row = 0; row < matrix.Rows; row++)
        {
            matrix.Scales.ReadRow(row, scale, offset);
            for (var g = 0; g < scale.Length; g++)
                (weights[2 * g], weights[2 * g + 1]) = (scale[g] * least + offset[g], scale[g] * most + offset[g]);
            StorableNumbers.Require(name, weights, type);
        }
    }

    private static void RequireRows(string name, WeightMatrix matrix, ElementType type) => RowRanges.ForEach(matrix.Rows, matrix.Columns, (from, to) =>
    {
        var row = new float[matrix.Columns];
        for (var i = from; i < to; i++)
        {
            matrix.ReadTile(i, 1, 0, matrix.Columns, row, matrix.Columns);
            StorableNumbers.Require(name, row, type);
        }
    });

    private static (float Least, float Most) Ends(ReadOnlySpan<float> values)
    {
        var (least, most) = (values[0], values[0]);
        foreach (var value in values)
            (least, most) = (MathF.Min(least, value), MathF.Max(most, value));
        return (least, most);
    }
}
