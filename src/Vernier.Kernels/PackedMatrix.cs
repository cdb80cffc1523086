namespace Vernier.Kernels;

/// <summary>A quantized weight: unsigned codes of 2 to 8 bits that never change, and scales that may.
/// Effective weight of row i, column j in group G: Scale[i, G] * code[i, j] + Offset[i, G]. Groups are runs of
/// <see cref="GroupSize"/> consecutive columns; the last one may be shorter.</summary>
public sealed class PackedMatrix : WeightMatrix
{
    private readonly NativeBuffer<byte> _codes; // reference layout: one code a byte, row-major

    /// <param name="groupSize">Columns that share a scale; 0 = one group for the whole row (per channel).</param>
    public PackedMatrix(int rows, int columns, int bits, int groupSize)
        : base(rows, columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        ArgumentOutOfRangeException.ThrowIfNegative(groupSize);
        Bits = bits;
        GroupSize = groupSize == 0 ? columns : Math.Min(groupSize, columns);
        Groups = (columns + GroupSize - 1) / GroupSize;
        _codes = new NativeBuffer<byte>((long)rows * columns);
        Scales = new GroupScales(rows, Groups);
    }

    /// <summary>Bits of a code.</summary>
    public int Bits { get; }

    /// <summary>Columns that share a scale.</summary>
    public int GroupSize { get; }

    /// <summary>Groups in a row.</summary>
    public int Groups { get; }

    /// <summary>The scales in use. Assign another set of the same shape to switch tasks.</summary>
    public GroupScales Scales { get; set; }

    public override long Bytes => _codes.Length + 2 * Scales.Scale.Length * sizeof(float);

    /// <summary>Stores the codes of one row. Only for building the matrix: codes are frozen afterwards.</summary>
    /// <param name="codes">[columns], each below 2^bits.</param>
    public void SetRowCodes(int row, ReadOnlySpan<byte> codes) => codes[..Columns].CopyTo(_codes.Slice((long)row * Columns, Columns));

    /// <summary>Reads the codes [column, column + destination.Length) of one row, one a byte.</summary>
    public void ReadCodes(int row, int column, Span<byte> destination) =>
        _codes.Slice((long)row * Columns + column, destination.Length).CopyTo(destination);

    public override void ReadTile(int row, int rows, int column, int columns, Span<float> destination, int stride)
    {
        var scale = Scales.Scale;
        var offset = Scales.Offset;
        for (var r = 0; r < rows; r++)
        {
            var codes = _codes.Slice((long)(row + r) * Columns + column, columns);
            var line = destination.Slice(r * stride, columns);
            var s = scale.Slice((long)(row + r) * Groups, Groups);
            var o = offset.Slice((long)(row + r) * Groups, Groups);
            for (var c = 0; c < columns; c++)
            {
                var g = (column + c) / GroupSize;
                line[c] = MathF.FusedMultiplyAdd(s[g], codes[c], o[g]);
            }
        }
    }

    public override void Dispose()
    {
        _codes.Dispose();
        Scales.Dispose();
        base.Dispose();
    }
}
