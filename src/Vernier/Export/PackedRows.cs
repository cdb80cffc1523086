using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>Rows of a packed matrix in the blocks of a GGUF format. Where the matrix has longer groups than the format, a scale is repeated in every block of its group.</summary>
internal static class PackedRows
{
    /// <summary>Whether the matrix still is what the file holds, bit for bit.</summary>
    public static bool Equal(GgufFile file, GgufTensor tensor, PackedMatrix matrix, RotaryRowOrder order)
    {
        var (columns, groups) = (matrix.Columns, matrix.Groups);
        var (fileCodes, codes) = (new byte[columns], new byte[columns]);
        var (fileScale, fileOffset) = (new float[groups], new float[groups]);
        var (scale, offset) = (new float[groups], new float[groups]);
        for (var row = 0; row < matrix.Rows; row++)
        {
            tensor.Format.Split(file.Row(tensor, order.FileRow(row)), fileCodes, fileScale, fileOffset);
            matrix.ReadCodes(row, 0, codes);
            matrix.Scales.ReadRow(row, scale, offset);
            if (!codes.AsSpan().SequenceEqual(fileCodes) || !scale.AsSpan().SequenceEqual(fileScale) || !offset.AsSpan().SequenceEqual(fileOffset))
                return false;
        }
        return true;
    }

    /// <summary>By what factor every block of the file was multiplied, in the file's order; null where the groups of a block were multiplied differently.
    /// For formats with two levels of scales, which have only one fp16 scale a block.</summary>
    /// <param name="sameCodes">The matrix has the file's codes; factors are null where it has others.</param>
    public static float[]? BlockFactors(GgufFile file, GgufTensor tensor, PackedMatrix matrix, RotaryRowOrder order, out bool sameCodes)
    {
        var own = new byte[matrix.Columns];
        var (blockSize, groupSize) = (tensor.Format.BlockSize, matrix.GroupSize);
        var (blocks, groups) = (matrix.Columns / blockSize, matrix.Groups);
        var (codes, scale, offset) = (new byte[matrix.Columns], new float[groups], new float[groups]);
        var (tuned, tunedOffset) = (new float[groups], new float[groups]);
        float[]? factors = new float[checked(matrix.Rows * blocks)];
        foreach (var (fileRow, row) in order.ModelRows(matrix.Rows).Index())
        {
            tensor.Format.Split(file.Row(tensor, fileRow), codes, scale, offset);
            matrix.ReadCodes(row, 0, own);
            if (!(sameCodes = own.AsSpan().SequenceEqual(codes)))
                return null;
            matrix.Scales.ReadRow(row, tuned, tunedOffset);
            for (var block = 0; factors is not null && block < blocks; block++)
                if (CommonFactor(block * blockSize / groupSize, blockSize / groupSize, scale, offset, tuned, tunedOffset) is { } factor)
                    factors[fileRow * blocks + block] = factor;
                else
                    factors = null;
        }
        sameCodes = true;
        return factors;
    }

    /// <summary>The one factor of a run of groups, up to the roundings of two products; 1 where all are zero.</summary>
    private static float? CommonFactor(int start, int count, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, ReadOnlySpan<float> tuned, ReadOnlySpan<float> tunedOffset)
    {
        float? factor = null;
        for (var g = start; g < start + count; g++)
        {
            foreach (var (before, after) in ((float, float)[])[(scale[g], tuned[g]), (offset[g], tunedOffset[g])])
            {
                if (before == 0)
                {
                    if (after != 0)
                        return null;
                    continue;
                }
                factor ??= after / before;
                if (MathF.Abs(after / before - factor.Value) > 1e-5f * MathF.Abs(factor.Value))
                    return null;
            }
        }
        return factor ?? 1;
    }

    /// <summary>Writes all rows, in the file's order.</summary>
    public static void Write(GgufWriter writer, BlockFormat format, PackedMatrix matrix, RotaryRowOrder order)
    {
        var block = format.Codes!.GroupSize;
        var (codes, bytes) = (new byte[matrix.Columns], new byte[format.BytesOf(matrix.Columns)]);
        var (scale, offset) = (new float[matrix.Columns / block], new float[matrix.Columns / block]);
        var (ofGroups, offsetOfGroups) = (new float[matrix.Groups], new float[matrix.Groups]);
        foreach (var row in order.ModelRows(matrix.Rows))
        {
            matrix.ReadCodes(row, 0, codes);
            matrix.Scales.ReadRow(row, ofGroups, offsetOfGroups);
            for (var b = 0; b < scale.Length; b++)
                (scale[b], offset[b]) = (ofGroups[b * block / matrix.GroupSize], offsetOfGroups[b * block / matrix.GroupSize]);
            format.Join(codes, scale, offset, bytes);
            writer.Write(bytes);
        }
    }
}
