using Vernier.Files.Disk;
using Vernier.Files.HuggingFace;

namespace Vernier.Files.Packings.CompressedTensors;

/// <summary>A linear layer in the "pack-quantized" form of compressed-tensors (weights of 4 or 8 bits). Tensors of PREFIX:
/// <list type="number">
/// <item>weight_packed, 32-bit words [out, in * bits / 32]: each row a stream of signed codes, stored as code + 2^(bits-1)</item>
/// <item>weight_scale [out, groups]</item>
/// <item>weight_shape, two integers: out, in</item>
/// <item>weight_zero_point, 32-bit words [out * bits / 32, groups]: each column a stream of zero points, stored alike; absent = symmetric</item>
/// <item>weight_g_idx, integers [in]: the group of each input where columns were reordered; absent or -1 = in order</item>
/// </list></summary>
internal static class CompressedLayer
{
    /// <summary>Reads and unpacks a layer.</summary>
    /// <param name="groupSize">Input columns that share a scale; 0 = one group (strategy "channel").</param>
    /// <exception cref="InvalidDataException">A tensor is missing or does not fit the others; names the file.</exception>
    /// <exception cref="NotSupportedException">Another width than 4 and 8 bits.</exception>
    public static QuantizedLayer Read(HfFolder folder, string prefix, int bits, int groupSize)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (bits is not (4 or 8))
            throw new NotSupportedException($"{folder.ConfigPath}: num_bits: found {bits}, only 4 and 8 are read");
        var (rows, columns) = ReadShape(folder, prefix);
        var words = BitStream.Words(columns, bits);
        var packed = QuantizedTensors.Words(folder, prefix + ".weight_packed", rows, words);
        var groups = groupSize == 0 ? 1 : (columns + groupSize - 1) / groupSize;
        var layer = new QuantizedLayer(rows, columns, bits, groupSize)
        {
            ZeroPoints = ReadZeroPoints(folder, prefix + ".weight_zero_point", rows, groups, bits),
            GroupIndex = ReadGroupIndex(folder.Find(prefix + ".weight_g_idx"), columns, groupSize),
        };
        for (var o = 0; o < rows; o++)
            BitStream.Unpack(packed.AsSpan(o * words, words), 1, bits, columns, layer.Codes.AsSpan(o * columns, columns), 1);
        folder.Get(prefix + ".weight_scale", rows, groups).ReadSingles(0, layer.Scales);
        return layer;
    }

    /// <summary>The sizes that weight_shape states.</summary>
    internal static (int Rows, int Columns) ReadShape(HfFolder folder, string prefix)
    {
        var tensor = folder.Get(prefix + ".weight_shape", 2);
        return tensor.ToIntegers<long>() is [> 0 and <= int.MaxValue and var rows, > 0 and <= int.MaxValue and var columns]
            ? ((int)rows, (int)columns)
            : throw Damaged.File(tensor.FilePath, $"tensor '{tensor.Name}'", "sizes out of range", "the sizes of a matrix");
    }

    private static int[]? ReadGroupIndex(HfTensor? tensor, int columns, int groupSize) =>
        tensor is null || tensor.ToIntegers<int>().All(g => g == -1) ? null : QuantizedTensors.GroupIndex(tensor, columns, groupSize);

    /// <summary>[out, groups], unsigned as the codes.</summary>
    private static int[] ReadZeroPoints(HfFolder folder, string name, int rows, int groups, int bits)
    {
        var zeros = new int[checked(rows * groups)];
        if (folder.Find(name) is null)
        {
            zeros.AsSpan().Fill(1 << (bits - 1));
            return zeros;
        }
        var packed = QuantizedTensors.Words(folder, name, BitStream.Words(rows, bits), groups);
        var fields = new byte[rows];
        for (var g = 0; g < groups; g++)
        {
            BitStream.Unpack(packed.AsSpan(g), groups, bits, rows, fields, 1);
            for (var o = 0; o < rows; o++)
                zeros[o * groups + g] = fields[o];
        }
        return zeros;
    }
}
