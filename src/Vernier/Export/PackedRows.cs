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
        var (scale, offset) = (new float[groups], new float[groups]);
        for (var row = 0; row < matrix.Rows; row++)
        {
            tensor.Format.Split(file.Row(tensor, order.FileRow(row)), fileCodes, scale, offset);
            matrix.ReadCodes(row, 0, codes);
            var at = (long)row * groups;
            if (!codes.AsSpan().SequenceEqual(fileCodes) || !matrix.Scales.Scale.Slice(at, groups).SequenceEqual(scale) || !matrix.Scales.Offset.Slice(at, groups).SequenceEqual(offset))
                return false;
        }
        return true;
    }

    /// <summary>Writes all rows, in the file's order.</summary>
    public static void Write(GgufWriter writer, BlockFormat format, PackedMatrix matrix, RotaryRowOrder order)
    {
        var block = format.Codes!.GroupSize;
        var (codes, bytes) = (new byte[matrix.Columns], new byte[format.BytesOf(matrix.Columns)]);
        var (scale, offset) = (new float[matrix.Columns / block], new float[matrix.Columns / block]);
        foreach (var row in order.ModelRows(matrix.Rows))
        {
            matrix.ReadCodes(row, 0, codes);
            for (var b = 0; b < scale.Length; b++)
            {
                var at = (long)row * matrix.Groups + b * block / matrix.GroupSize;
                scale[b] = matrix.Scales.Scale.Slice(at, 1)[0];
                offset[b] = matrix.Scales.Offset.Slice(at, 1)[0];
            }
            format.Join(codes, scale, offset, bytes);
            writer.Write(bytes);
        }
    }
}
