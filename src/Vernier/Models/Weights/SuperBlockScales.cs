using System.Buffers.Binary;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>The scales of a tensor whose block format has two levels of them, row by row from the file's blocks into a matrix' <see cref="ScaleBlocks"/>.</summary>
internal sealed class SuperBlockScales
{
    private readonly BlockFormat _format;
    private readonly BlockCodes _codes;
    private readonly ScaleBlocks _blocks;

    private SuperBlockScales(GgufTensor tensor, int rows, BlockCodes codes)
    {
        (_format, _codes) = (tensor.Format, codes);
        var form = codes.SubScaleBits <= 4 ? ScaleForm.Nibbles16 : codes.GroupSize == 16 ? ScaleForm.Blocks16 : ScaleForm.Blocks8;
        float? zero = codes.Table is null ? codes.ZeroPoint : 0;
        _blocks = new(rows, (int)tensor.Columns / codes.GroupSize, form, hasOffsets: zero is null);
        Scales = new(_blocks, zero ?? float.NaN);
    }

    /// <summary>What the matrix holds; complete when every row is set.</summary>
    public StoredScales Scales { get; }

    /// <summary>Null where the format has no two levels.</summary>
    /// <param name="rows">Of the matrix, which may be a part of the tensor.</param>
    public static SuperBlockScales? Of(GgufTensor tensor, int rows) =>
        tensor.Format.Codes is { SubScaleBits: > 0 } codes ? new(tensor, rows, codes) : null;

    /// <summary>Stores a row.</summary>
    /// <param name="bytes">Its blocks.</param>
    /// <param name="scale">Of its groups, as the format splits them; likewise <paramref name="offset"/>.</param>
    public void SetRow(int row, ReadOnlySpan<byte> bytes, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset)
    {
        var factors = new Half[bytes.Length / _format.BlockBytes];
        var minimums = new Half[factors.Length];
        for (var b = 0; b < factors.Length; b++)
        {
            var block = bytes[(b * _format.BlockBytes)..];
            factors[b] = _format.SuperScale(block);
            if (_blocks.HasOffsets)
                minimums[b] = BinaryPrimitives.ReadHalfLittleEndian(block[_codes.HalfScales[^1]..]);
        }
        _blocks.SetRow(row, factors, minimums, scale, offset);
    }
}
