using Vernier.Files.Packings;
using Vernier.Kernels;

namespace Vernier.Export;

/// <summary>Packed matrices as the layers that Hugging Face packings store.</summary>
internal static class UnpackedLayer
{
    // Of a step: what a few roundings of scale and offset, multiplied by one factor, leave.
    private const float ZeroTolerance = 1e-5f;

    /// <summary>Codes, scales and whole zero points.</summary>
    /// <param name="bits">Of the stored codes, at least those of the matrix.</param>
    /// <param name="statedZeros">As in <see cref="PackedTarget.Layer"/>.</param>
    /// <exception cref="NotSupportedException">Offsets that are not whole multiples of their scales.</exception>
    public static QuantizedLayer WithZeroPoints(PackedMatrix matrix, int bits, Func<int[]?> statedZeros)
    {
        var layer = new QuantizedLayer(matrix.Rows, matrix.Columns, bits, matrix.GroupSize)
        {
            ZeroPoints = new int[matrix.Rows * matrix.Groups],
            GroupIndex = matrix.GroupIndex.IsEmpty ? null : matrix.GroupIndex.ToArray(),
        };
        ReadCodes(matrix, layer);
        var (scales, offset) = matrix.Scales.ToArrays();
        scales.CopyTo(layer.Scales, 0);
        int[]? stated = null;
        for (var i = 0; i < offset.Length; i++)
        {
            var scale = layer.Scales[i];
            if (scale == 0 && offset[i] == 0)
            {
                // Any zero point gives these weights, and the one that was there is lost in the product.
                stated ??= statedZeros() is { } all && all.Length == offset.Length ? all : [.. Enumerable.Repeat(1 << (bits - 1), offset.Length)];
                layer.ZeroPoints[i] = stated[i];
                continue;
            }
            var zero = MathF.Round(-offset[i] / scale);
            if (!(MathF.Abs(offset[i] + zero * scale) <= ZeroTolerance * MathF.Abs(scale) * MathF.Max(1, MathF.Abs(zero))))
                throw new NotSupportedException("its zero points are not whole numbers (learned ones, or the minimums of blocks): mlx holds an offset for each group, gguf (Q4_1, Q5_1) and native too");
            if (zero < 0 || zero >= 1 << bits)
                throw new NotSupportedException($"its zero point {zero} does not fit {bits} bits: mlx and native hold it");
            layer.ZeroPoints[i] = (int)zero;
        }
        return layer;
    }

    /// <summary>Codes, scales and offsets.</summary>
    /// <param name="groupSize">A divisor of the matrix's group size: scales are repeated.</param>
    public static QuantizedLayer WithOffsets(PackedMatrix matrix, int bits, int groupSize)
    {
        var layer = new QuantizedLayer(matrix.Rows, matrix.Columns, bits, groupSize) { Offsets = new float[matrix.Rows * (matrix.Columns / groupSize)] };
        ReadCodes(matrix, layer);
        var (scales, offsets) = matrix.Scales.ToArrays();
        for (var i = 0; i < layer.Scales.Length; i++)
        {
            var at = i / layer.Groups * matrix.Groups + i % layer.Groups * groupSize / matrix.GroupSize;
            (layer.Scales[i], layer.Offsets[i]) = (scales[at], offsets[at]);
        }
        return layer;
    }

    private static void ReadCodes(PackedMatrix matrix, QuantizedLayer layer)
    {
        for (var row = 0; row < matrix.Rows; row++)
            matrix.ReadCodes(row, 0, layer.Codes.AsSpan(row * matrix.Columns, matrix.Columns));
    }
}
