using System.Runtime.InteropServices;
using Vernier.Files.HuggingFace;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;

namespace Vernier.Files.Packings.Awq;

/// <summary>A linear layer in AWQ's GEMM packing, 4 bits. Tensors of PREFIX:
/// <list type="number">
/// <item>qweight, 32-bit words [in, out / 8]: the code of output 8c + j is nibble N[j] of word c, N = 0 4 1 5 2 6 3 7</item>
/// <item>qzeros, 32-bit words [groups, out / 8]: zero points in the same order</item>
/// <item>scales, fp16 [groups, out]</item>
/// </list></summary>
internal static class AwqLayer
{
    internal const int Bits = 4, PerWord = 8;

    /// <summary>First bit of output j of a word.</summary>
    private static ReadOnlySpan<byte> Shifts => [0, 16, 4, 20, 8, 24, 12, 28];

    /// <summary>Reads and unpacks a layer.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or does not fit the others; names the file.</exception>
    public static QuantizedLayer Read(HfFolder folder, string prefix, AwqConfig config)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(config);
        var (columns, wordColumns) = QuantizedTensors.Matrix(folder, prefix + ".qweight");
        var rows = checked(wordColumns * PerWord);
        var groups = config.GroupSize == 0 ? 1 : (columns + config.GroupSize - 1) / config.GroupSize;
        var layer = new QuantizedLayer(rows, columns, Bits, config.GroupSize) { ZeroPoints = new int[rows * groups] };
        var words = QuantizedTensors.Words(folder, prefix + ".qweight", columns, wordColumns);
        // A word lies in eight rows: all are written while it is at hand.
        for (var at = 0; at < wordColumns; at++)
            for (var i = 0; i < columns; i++)
            {
                var word = words[i * wordColumns + at];
                for (var j = 0; j < PerWord; j++)
                    layer.Codes[(at * PerWord + j) * columns + i] = (byte)((word >> Shifts[j]) & 15);
            }
        var zeros = QuantizedTensors.Words(folder, prefix + ".qzeros", groups, wordColumns);
        for (var g = 0; g < groups; g++)
            for (var o = 0; o < rows; o++)
                layer.ZeroPoints[o * groups + g] = (int)(zeros[g * wordColumns + o / PerWord] >> Shifts[o % PerWord]) & 15;
        QuantizedTensors.ReadTransposed(folder.Get(prefix + ".scales", groups, rows), groups, rows, layer.Scales);
        return layer;
    }

    /// <summary>The tensors of a layer in the order of <see cref="Pack"/>.</summary>
    /// <exception cref="NotSupportedException">The outputs do not fill whole words.</exception>
    public static IReadOnlyList<SafetensorsPlan> Plan(string prefix, int outFeatures, int inFeatures, AwqConfig config, ElementType scaleType = ElementType.F16)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (outFeatures % PerWord != 0)
            throw new NotSupportedException($"{prefix}: AWQ packs {PerWord} outputs in a word, and {outFeatures} is not a multiple");
        var groups = config.GroupSize == 0 ? 1 : (inFeatures + config.GroupSize - 1) / config.GroupSize;
        return
        [
            new(prefix + ".qweight", ElementType.I32, [inFeatures, outFeatures / PerWord]),
            new(prefix + ".qzeros", ElementType.I32, [groups, outFeatures / PerWord]),
            new(prefix + ".scales", scaleType, [groups, outFeatures]),
        ];
    }

    /// <summary>The bytes of qweight, qzeros and scales (rounded to <paramref name="scaleType"/>).</summary>
    /// <exception cref="NotSupportedException">Not 4 bits, no zero points, reordered groups, a zero point out of range, or a scale too large for its type.</exception>
    public static IReadOnlyList<byte[]> Pack(QuantizedLayer layer, ElementType scaleType = ElementType.F16)
    {
        ArgumentNullException.ThrowIfNull(layer);
        if (layer.Bits != Bits || layer.ZeroPoints is not { } zeroPoints || layer.GroupIndex is not null)
            throw new NotSupportedException("AWQ stores 4 bits with zero points and groups of consecutive columns: GPTQ can hold other widths and reordered groups, MLX free offsets");
        var (rows, columns, groups) = (layer.OutFeatures, layer.InFeatures, layer.Groups);
        var wordColumns = rows / PerWord;
        var words = new uint[columns * wordColumns];
        for (var i = 0; i < columns; i++)
            for (var o = 0; o < rows; o++)
                SetField(words.AsSpan(i * wordColumns, wordColumns), o, layer.Codes[o * columns + i]);
        var zeros = new uint[groups * wordColumns];
        for (var g = 0; g < groups; g++)
            for (var o = 0; o < rows; o++)
                SetField(zeros.AsSpan(g * wordColumns, wordColumns), o, zeroPoints[o * groups + g]);
        return [MemoryMarshal.AsBytes(words.AsSpan()).ToArray(), MemoryMarshal.AsBytes(zeros.AsSpan()).ToArray(), QuantizedTensors.Transposed(layer.Scales, groups, rows, scaleType)];
    }

    private static void SetField(Span<uint> words, int output, int value)
    {
        if (value is < 0 or > 15)
            throw new NotSupportedException($"AWQ stores codes and zero points in {Bits} bits and cannot hold {value}");
        words[output / PerWord] |= (uint)value << Shifts[output % PerWord];
    }
}
