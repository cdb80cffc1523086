using System.Runtime.InteropServices;
using System.Text.Json;
using Vernier.Files.Disk;
using Vernier.Files.HuggingFace;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;

namespace Vernier.Files.Packings.Mlx;

/// <summary>A linear layer in MLX's affine packing. Tensors of PREFIX: weight, 32-bit words [out, in * bits / 32], each row a stream of codes;
/// scales and biases [out, in / group] in fp16, bf16 or fp32. value = scale * code + bias.</summary>
internal static class MlxLayer
{
    /// <summary>Bits and group size of config.json's <c>quantization</c> object.</summary>
    /// <exception cref="InvalidDataException">A setting is missing or out of range.</exception>
    public static (int Bits, int GroupSize) ReadSettings(JsonElement settings, string path)
    {
        var (bits, group) = (QuantizedTensors.Integer(settings, path, "bits"), QuantizedTensors.Integer(settings, path, "group_size"));
        return bits is >= 2 and <= 8 && group > 0 ? (bits, group) : throw Damaged.File(path, "quantization settings", $"{bits} bits in groups of {group}", "2 to 8 bits in groups of a positive size");
    }

    /// <summary>Reads and unpacks a layer.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or does not fit the others; names the file.</exception>
    public static QuantizedLayer Read(HfFolder folder, string prefix, int bits, int groupSize)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var (rows, words) = QuantizedTensors.Matrix(folder, prefix + ".weight");
        var columns = checked((int)(words * 32L / bits));
        var layer = new QuantizedLayer(rows, columns, bits, groupSize) { Offsets = new float[checked(rows * ((columns + groupSize - 1) / groupSize))] };
        var packed = QuantizedTensors.Words(folder, prefix + ".weight", rows, BitStream.Words(columns, bits));
        for (var o = 0; o < rows; o++)
            BitStream.Unpack(packed.AsSpan(o * words, words), 1, bits, columns, layer.Codes.AsSpan(o * columns, columns), 1);
        folder.Get(prefix + ".scales", rows, layer.Groups).ReadSingles(0, layer.Scales);
        folder.Get(prefix + ".biases", rows, layer.Groups).ReadSingles(0, layer.Offsets);
        return layer;
    }

    /// <summary>The tensors of a layer in the order of <see cref="Pack"/>.</summary>
    /// <exception cref="NotSupportedException">Rows that do not fill whole words and groups.</exception>
    public static IReadOnlyList<SafetensorsPlan> Plan(string prefix, int outFeatures, int inFeatures, int bits, int groupSize, ElementType scaleType)
    {
        if (inFeatures * (long)bits % 32 != 0 || groupSize <= 0 || inFeatures % groupSize != 0)
            throw new NotSupportedException($"{prefix}: MLX packs whole words and whole groups, and rows of {inFeatures} do not fill them at {bits} bits in groups of {groupSize}");
        return
        [
            new(prefix + ".weight", ElementType.U32, [outFeatures, BitStream.Words(inFeatures, bits)]),
            new(prefix + ".scales", scaleType, [outFeatures, inFeatures / groupSize]),
            new(prefix + ".biases", scaleType, [outFeatures, inFeatures / groupSize]),
        ];
    }

    /// <summary>The bytes of weight, scales and biases (rounded to <paramref name="scaleType"/>).</summary>
    /// <exception cref="NotSupportedException">Reordered groups, or a scale or offset too large for its type.</exception>
    public static IReadOnlyList<byte[]> Pack(QuantizedLayer layer, ElementType scaleType)
    {
        ArgumentNullException.ThrowIfNull(layer);
        if (layer.GroupIndex is not null)
            throw new NotSupportedException("MLX stores groups of consecutive columns: GPTQ can hold reordered groups");
        var words = BitStream.Words(layer.InFeatures, layer.Bits);
        var packed = new uint[layer.OutFeatures * words];
        for (var o = 0; o < layer.OutFeatures; o++)
            BitStream.Pack(layer.Codes.AsSpan(o * layer.InFeatures, layer.InFeatures), 1, layer.Bits, layer.InFeatures, packed.AsSpan(o * words, words), 1);
        var offsets = layer.Offsets ?? [.. layer.Scales.Select((scale, g) => -scale * layer.ZeroPoints![g])];
        return [MemoryMarshal.AsBytes(packed.AsSpan()).ToArray(), QuantizedTensors.Rounded(layer.Scales, scaleType), QuantizedTensors.Rounded(offsets, scaleType)];
    }
}
