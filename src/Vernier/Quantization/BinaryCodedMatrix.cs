using Vernier.Kernels;

namespace Vernier.Quantization;

/// <summary>A weight of binary codes (BCQ, AlphaTuning's format, arXiv 2210.03858): w = Σ_k α_k b_k with b in {-1, +1}; bit k of a code is 1 where b_k = +1.
/// Codes never change; the α, one for each row, group and bit, may.</summary>
internal sealed class BinaryCodedMatrix : WeightMatrix
{
    /// <summary>Widest code: a row's values are looked up in a table of 2^bits.</summary>
    public const int MostBits = 4;

    private const int CodesAtOnce = 512;

    /// <param name="codes">Its scales are not used.</param>
    /// <param name="alphas">[rows, groups, bits].</param>
    public BinaryCodedMatrix(PackedMatrix codes, NativeBuffer<float> alphas)
        : base(codes.Rows, codes.Columns)
    {
        ArgumentNullException.ThrowIfNull(alphas);
        if (codes.Bits > MostBits)
            throw new ArgumentException($"binary codes have 2 to {MostBits} bits, not {codes.Bits}", nameof(codes));
        if (alphas.Length != (long)codes.Rows * codes.Groups * codes.Bits)
            throw new ArgumentException($"{alphas.Length} values for [{codes.Rows}, {codes.Groups}, {codes.Bits}]", nameof(alphas));
        (Codes, Alphas) = (codes, alphas);
    }

    /// <summary>The signs of all bits.</summary>
    public PackedMatrix Codes { get; }

    /// <summary>α, [rows, groups, bits].</summary>
    public NativeBuffer<float> Alphas { get; }

    public override long Bytes => Codes.Bytes + sizeof(float) * Alphas.Length;

    public override void ReadTile(int row, int rows, int column, int columns, Span<float> destination, int stride)
    {
        CheckTile(row, rows, column, columns, destination.Length, stride);
        Span<byte> codes = stackalloc byte[CodesAtOnce];
        Span<float> values = stackalloc float[1 << MostBits];
        for (var r = 0; r < rows; r++)
            for (var c = 0; c < columns;)
            {
                var group = (column + c) / Codes.GroupSize;
                var count = Math.Min(CodesAtOnce, Math.Min(columns - c, (group + 1) * Codes.GroupSize - column - c));
                Values(Alphas.Slice(((long)(row + r) * Codes.Groups + group) * Codes.Bits, Codes.Bits), values);
                var part = codes[..count];
                Codes.ReadCodes(row + r, column + c, part);
                var to = destination.Slice(r * stride + c, count);
                for (var i = 0; i < count; i++)
                    to[i] = values[part[i]];
                c += count;
            }
    }

    /// <summary>The weight of every code.</summary>
    /// <param name="alphas">[bits].</param>
    /// <param name="values">At least [2^bits].</param>
    public static void Values(ReadOnlySpan<float> alphas, Span<float> values)
    {
        for (var code = 0; code < 1 << alphas.Length; code++)
        {
            var sum = 0f;
            for (var k = 0; k < alphas.Length; k++)
                sum += (code >> k & 1) != 0 ? alphas[k] : -alphas[k];
            values[code] = sum;
        }
    }

    public override void Dispose()
    {
        Codes.Dispose();
        Alphas.Dispose();
        base.Dispose();
    }
}
