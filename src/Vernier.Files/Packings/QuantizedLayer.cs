using Vernier.Files.Disk;
using Vernier.Files.HuggingFace;
using Vernier.Kernels;

namespace Vernier.Files.Packings;

/// <summary>A quantized linear layer as unpacked from any of the Hugging Face formats: weight[o, i] of group g = GroupOf(i) is
/// Scales[o, g] * (Codes[o, i] - ZeroPoints[o, g]), or Scales[o, g] * Codes[o, i] + Offsets[o, g], or Scales[o, g] * Codebook[Codes[o, i]].</summary>
internal sealed class QuantizedLayer
{
    /// <param name="groupSize">Consecutive input columns that share a scale (the last group may be shorter); 0 = one group.</param>
    public QuantizedLayer(int outFeatures, int inFeatures, int bits, int groupSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outFeatures);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        ArgumentOutOfRangeException.ThrowIfNegative(groupSize);
        OutFeatures = outFeatures;
        InFeatures = inFeatures;
        Bits = bits;
        GroupSize = groupSize == 0 ? inFeatures : Math.Min(groupSize, inFeatures);
        Groups = (inFeatures + GroupSize - 1) / GroupSize;
        Codes = new byte[checked(outFeatures * inFeatures)];
        Scales = new float[outFeatures * Groups];
    }

    public int OutFeatures { get; }

    public int InFeatures { get; }

    /// <summary>Bits of an unsigned code.</summary>
    public int Bits { get; }

    public int GroupSize { get; }

    public int Groups { get; }

    /// <summary>[out, in], unsigned.</summary>
    public byte[] Codes { get; }

    /// <summary>[out, groups].</summary>
    public float[] Scales { get; }

    /// <summary>[out, groups], or null where there are others or none.</summary>
    public int[]? ZeroPoints { get; init; }

    /// <summary>[out, groups], or null where there are zero points or a codebook.</summary>
    public float[]? Offsets { get; init; }

    /// <summary>The 16 values that codes stand for, in place of zero points and offsets; null where a code stands for itself.</summary>
    public float[]? Codebook { get; init; }

    /// <summary>[in]: the group of each column where columns were reordered (GPTQ's desc_act); null where column i has group i / GroupSize.</summary>
    public int[]? GroupIndex { get; init; }

    /// <summary>The group of a column.</summary>
    public int GroupOf(int column) => GroupIndex is null ? column / GroupSize : GroupIndex[column];

    /// <summary>The weight in fp32, each operation rounded.</summary>
    /// <param name="row">Output feature.</param>
    /// <param name="destination">[in].</param>
    public void DequantizeRow(int row, Span<float> destination)
    {
        for (var i = 0; i < InFeatures; i++)
        {
            var g = row * Groups + GroupOf(i);
            var code = Codes[row * InFeatures + i];
            destination[i] = Codebook is not null ? Scales[g] * Codebook[code] : ZeroPoints is not null ? Scales[g] * (code - ZeroPoints[g]) : Scales[g] * code + Offsets![g];
        }
    }

    /// <summary>The layer as the matrix that products read.</summary>
    /// <param name="folder">Where it was read from, for messages.</param>
    /// <param name="scales">Name of the tensor of its scales, for messages.</param>
    /// <exception cref="InvalidDataException">A scale or offset is not finite.</exception>
    internal PackedMatrix ToPacked(HfFolder folder, string scales)
    {
        var packed = new PackedMatrix(OutFeatures, InFeatures, Bits, GroupSize, Codebook, GroupIndex);
        for (var row = 0; row < OutFeatures; row++)
            packed.SetRowCodes(row, Codes.AsSpan(row * InFeatures, InFeatures));
        var scale = packed.TunedScales.Scale.Span;
        var offset = packed.TunedScales.Offset.Span;
        Scales.CopyTo(scale);
        // A scale of 16 bits times a zero point is exact in fp32, so scale * code + offset is scale * (code - zero) to the bit.
        for (var i = 0; i < offset.Length; i++)
            offset[i] = Offsets is not null ? Offsets[i] : ZeroPoints is not null ? -scale[i] * ZeroPoints[i] : 0;
        var largest = Codebook is null ? (1 << Bits) - 1 : Codebook.Max(MathF.Abs);
        var bad = NotFinite.GroupIn(scale, offset, largest);
        if (bad < 0)
        {
            packed.StoreScales(halves: false);
            return packed;
        }
        var found = $"a weight that is not finite (scale {scale[bad]}{(Offsets is null ? "" : $", offset {offset[bad]}")}) in row {bad / Groups}, group {bad % Groups}";
        packed.Dispose();
        throw Damaged.File(folder.Get(scales).FilePath, $"tensor '{scales}'", found, "finite numbers");
    }

    /// <summary>The codes row by row.</summary>
    internal Action<int, Span<byte>> RowCodes() => (row, codes) => Codes.AsSpan(row * InFeatures, InFeatures).CopyTo(codes);
}
