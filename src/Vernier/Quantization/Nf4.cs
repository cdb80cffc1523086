using Vernier.Kernels;

namespace Vernier.Quantization;

/// <summary>4-bit NormalFloat (QLoRA, arXiv 2305.14314, appendix E): codes stand for the quantiles of a normal distribution, scaled by the largest magnitude
/// of the group. With double quantization the scales of 256 groups share a mean and a step and take 8 bits each.</summary>
internal static class Nf4
{
    /// <summary>Columns of a group in the paper.</summary>
    public const int DefaultGroup = 64;

    private const int ScalesPerBlock = 256;

    /// <summary>The 16 values, ascending.</summary>
    public static IReadOnlyList<float> Codebook { get; } =
    [
        -1f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0f,
        0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1f,
    ];

    /// <summary>Quantizes a weight.</summary>
    /// <param name="group">Columns that share a scale.</param>
    /// <param name="doubleQuantize">Round the scales to 8 bits, symmetric about the mean of their block.</param>
    /// <exception cref="InvalidDataException">A weight is not finite.</exception>
    public static PackedMatrix Quantize(WeightMatrix weight, int group = DefaultGroup, bool doubleQuantize = true)
    {
        var packed = new PackedMatrix(weight.Rows, weight.Columns, 4, group, [.. Codebook]);
        var row = new float[weight.Columns];
        var codes = new byte[weight.Columns];
        for (var i = 0; i < weight.Rows; i++)
        {
            weight.ReadTile(i, 1, 0, weight.Columns, row, weight.Columns);
            for (var g = 0; g < packed.Groups; g++)
            {
                var first = g * packed.GroupSize;
                var members = row.AsSpan(first, Math.Min(packed.GroupSize, row.Length - first));
                var largest = 0f;
                foreach (var w in members)
                    largest = MathF.Max(largest, MathF.Abs(w));
                if (!float.IsFinite(largest))
                    throw new InvalidDataException($"row {i}, columns {first} to {first + members.Length - 1}: a weight is not finite");
                packed.TunedScales.Scale.Span[i * packed.Groups + g] = largest;
                for (var j = 0; j < members.Length; j++)
                    codes[first + j] = Nearest(largest == 0 ? 0 : members[j] / largest);
            }
            packed.SetRowCodes(i, codes);
        }
        if (doubleQuantize)
            RoundScales(packed.TunedScales.Scale.Span);
        packed.StoreScales(halves: false);
        return packed;
    }

    private static byte Nearest(float value)
    {
        var best = 0;
        for (var c = 1; c < Codebook.Count; c++)
            if (MathF.Abs(Codebook[c] - value) < MathF.Abs(Codebook[best] - value))
                best = c;
        return (byte)best;
    }

    private static void RoundScales(Span<float> scales)
    {
        for (var first = 0; first < scales.Length; first += ScalesPerBlock)
        {
            var block = scales.Slice(first, Math.Min(ScalesPerBlock, scales.Length - first));
            var mean = GroupSums.Sum(block) / block.Length;
            var largest = 0f;
            foreach (var s in block)
                largest = MathF.Max(largest, MathF.Abs(s - mean));
            if (largest == 0)
                continue;
            var step = largest / 127;
            foreach (ref var s in block)
                s = mean + step * MathF.Round((s - mean) / step);
        }
    }
}
