using Vernier.Files.Gguf.Blocks;

namespace Vernier.Files.Gguf;

/// <summary>Where a tensor of a GGUF file lies and how its bytes are to be read.</summary>
/// <param name="Name">As in the file.</param>
/// <param name="Dimensions">Sizes, **fastest first**: a linear layer is [in, out].</param>
/// <param name="Format">Block format of the bytes.</param>
/// <param name="Offset">First byte, counted from the start of the tensor data (not of the file).</param>
/// <param name="ByteLength">Bytes of the whole tensor.</param>
public sealed record GgufTensor(string Name, IReadOnlyList<long> Dimensions, BlockFormat Format, long Offset, long ByteLength)
{
    /// <summary>Which file of a split model holds it, from 0.</summary>
    public int Shard { get; init; }

    /// <summary>The same tensor as one to be written.</summary>
    public GgufTensorPlan Plan => new(Name, Dimensions, Format);

    /// <summary>Values in a row: the fastest dimension.</summary>
    public long Columns { get; } = Dimensions.Count > 0 ? Dimensions[0] : 1;

    /// <summary>Values of the whole tensor.</summary>
    public long Elements { get; } = Product(Dimensions);

    /// <summary>Rows: the product of all dimensions but the fastest.</summary>
    public long Rows => Elements / Columns;

    /// <summary>Bytes of a row.</summary>
    public long RowBytes => Columns / Format.BlockSize * Format.BlockBytes;

    private static long Product(IReadOnlyList<long> sizes)
    {
        var all = 1L;
        for (var i = 0; i < sizes.Count; i++)
            all *= sizes[i];
        return all;
    }
}
