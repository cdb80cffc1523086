using System.Runtime.InteropServices;
using Vernier.Files.HuggingFace;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;

namespace Vernier.Files.Packings.Gptq;

/// <summary>A linear layer in GPTQ's packing. Tensors of PREFIX:
/// <list type="number">
/// <item>qweight, 32-bit words [in * bits / 32, out]: each column, read down the rows, is a stream of codes of inputs 0, 1, 2, ...</item>
/// <item>qzeros, 32-bit words [groups, out * bits / 32]: each row is a stream of zero points of outputs 0, 1, 2, ...</item>
/// <item>scales, fp16 [groups, out]</item>
/// <item>g_idx, 32-bit integers [in]: the group of each input</item>
/// </list></summary>
internal static class GptqLayer
{
    /// <summary>Reads and unpacks a layer.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or does not fit the others; names the file.</exception>
    public static QuantizedLayer Read(HfFolder folder, string prefix, GptqConfig config)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(config);
        var (wordRows, rows) = QuantizedTensors.Matrix(folder, prefix + ".qweight");
        var columns = checked((int)(wordRows * 32L / config.Bits));
        var indexTensor = folder.Find(prefix + ".g_idx");
        var layer = new QuantizedLayer(rows, columns, config.Bits, config.GroupSize)
        {
            ZeroPoints = new int[rows * GroupCount(columns, config.GroupSize)],
            GroupIndex = indexTensor is null ? null : QuantizedTensors.GroupIndex(indexTensor, columns, config.GroupSize),
        };
        var words = QuantizedTensors.Words(folder, prefix + ".qweight", BitStream.Words(columns, config.Bits), rows);
        for (var o = 0; o < rows; o++)
            BitStream.Unpack(words.AsSpan(o), rows, config.Bits, columns, layer.Codes.AsSpan(o * columns, columns), 1);
        var zeroWords = BitStream.Words(rows, config.Bits);
        var zeros = QuantizedTensors.Words(folder, prefix + ".qzeros", layer.Groups, zeroWords);
        var fields = new byte[rows];
        for (var g = 0; g < layer.Groups; g++)
        {
            BitStream.Unpack(zeros.AsSpan(g * zeroWords, zeroWords), 1, config.Bits, rows, fields, 1);
            for (var o = 0; o < rows; o++)
                layer.ZeroPoints[o * layer.Groups + g] = config.StoresZeroMinusOne ? (fields[o] + 1) & ((1 << config.Bits) - 1) : fields[o];
        }
        QuantizedTensors.ReadTransposed(folder.Get(prefix + ".scales", layer.Groups, rows), layer.Groups, rows, layer.Scales);
        return layer;
    }

    /// <summary>The tensors of a layer in the order of <see cref="Pack"/>.</summary>
    /// <exception cref="NotSupportedException">Codes or zero points that do not fill whole words.</exception>
    public static IReadOnlyList<SafetensorsPlan> Plan(string prefix, int outFeatures, int inFeatures, GptqConfig config, ElementType scaleType = ElementType.F16)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (inFeatures * (long)config.Bits % 32 != 0 || outFeatures * (long)config.Bits % 32 != 0)
            throw new NotSupportedException($"{prefix}: GPTQ packs whole 32-bit words, and [{outFeatures}, {inFeatures}] of {config.Bits} bits does not fill them");
        var groups = GroupCount(inFeatures, config.GroupSize);
        return
        [
            new(prefix + ".qweight", ElementType.I32, [BitStream.Words(inFeatures, config.Bits), outFeatures]),
            new(prefix + ".qzeros", ElementType.I32, [groups, BitStream.Words(outFeatures, config.Bits)]),
            new(prefix + ".scales", scaleType, [groups, outFeatures]),
            new(prefix + ".g_idx", ElementType.I32, [inFeatures]),
        ];
    }

    /// <summary>The bytes of qweight, qzeros, scales (rounded to <paramref name="scaleType"/>) and g_idx.</summary>
    /// <exception cref="NotSupportedException">No zero points, a zero point that does not fit the bits, or a scale too large for its type.</exception>
    public static IReadOnlyList<byte[]> Pack(QuantizedLayer layer, GptqConfig config, ElementType scaleType = ElementType.F16)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(config);
        var (rows, columns, bits) = (layer.OutFeatures, layer.InFeatures, layer.Bits);
        if (bits != config.Bits || layer.Groups != GroupCount(columns, config.GroupSize))
            throw new ArgumentException($"a layer of {bits} bits in {layer.Groups} groups does not go with {config}", nameof(config));
        var zeroPoints = layer.ZeroPoints ?? throw new NotSupportedException("GPTQ stores zero points and cannot hold free offsets: MLX or GGUF Q4_1 can");
        var words = new uint[BitStream.Words(columns, bits) * rows];
        for (var o = 0; o < rows; o++)
            BitStream.Pack(layer.Codes.AsSpan(o * columns, columns), 1, bits, columns, words.AsSpan(o), rows);
        var zeroWords = BitStream.Words(rows, bits);
        var zeros = new uint[zeroWords * layer.Groups];
        var fields = new byte[rows];
        var mask = (1 << bits) - 1;
        for (var g = 0; g < layer.Groups; g++)
        {
            for (var o = 0; o < rows; o++)
            {
                var zero = zeroPoints[o * layer.Groups + g];
                if ((zero & mask) != zero)
                    throw new NotSupportedException($"GPTQ stores zero points in {bits} bits and cannot hold {zero}");
                fields[o] = (byte)(config.StoresZeroMinusOne ? (zero - 1) & mask : zero);
            }
            BitStream.Pack(fields, 1, bits, rows, zeros.AsSpan(g * zeroWords, zeroWords), 1);
        }
        var index = new int[columns];
        for (var i = 0; i < columns; i++)
            index[i] = layer.GroupOf(i);
        return
        [
            MemoryMarshal.AsBytes(words.AsSpan()).ToArray(),
            MemoryMarshal.AsBytes(zeros.AsSpan()).ToArray(),
            QuantizedTensors.Transposed(layer.Scales, layer.Groups, rows, scaleType),
            MemoryMarshal.AsBytes(index.AsSpan()).ToArray(),
        ];
    }

    private static int GroupCount(int columns, int groupSize) => groupSize == 0 ? 1 : (columns + groupSize - 1) / groupSize;
}
