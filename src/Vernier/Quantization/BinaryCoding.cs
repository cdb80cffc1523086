using Vernier.Kernels;

namespace Vernier.Quantization;

/// <summary>Quantizes to binary codes: a greedy start, b_k the sign and α_k the mean size of what is left, then in turns the best α for the codes
/// (least squares) and the best codes for the α (nearest value), which never makes the error larger.</summary>
internal static class BinaryCoding
{
    private const int Rounds = 15;

    /// <param name="bits">2 to 4.</param>
    /// <param name="group">Columns that share their α; 0 = the whole row.</param>
    /// <exception cref="InvalidDataException">A weight is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static BinaryCodedMatrix Quantize(WeightMatrix weight, int bits, int group, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, BinaryCodedMatrix.MostBits);
        var packed = new PackedMatrix(weight.Rows, weight.Columns, bits, group);
        var alphas = new NativeBuffer<float>((long)weight.Rows * packed.Groups * bits);
        var row = new float[weight.Columns];
        var codes = new byte[weight.Columns];
        for (var i = 0; i < weight.Rows; i++)
        {
            cancel.ThrowIfCancellationRequested();
            weight.ReadTile(i, 1, 0, weight.Columns, row, weight.Columns);
            if (row.AsSpan().ContainsAny(float.NaN, float.PositiveInfinity, float.NegativeInfinity))
                throw new InvalidDataException($"row {i}: a weight is not finite");
            for (var g = 0; g < packed.Groups; g++)
            {
                var first = g * packed.GroupSize;
                var count = Math.Min(packed.GroupSize, row.Length - first);
                Fit(row.AsSpan(first, count), codes.AsSpan(first, count), alphas.Slice(((long)i * packed.Groups + g) * bits, bits), Rounds);
            }
            packed.SetRowCodes(i, codes);
        }
        return new BinaryCodedMatrix(packed, alphas);
    }

    /// <summary>Fits one group.</summary>
    /// <param name="alphas">[bits], none negative.</param>
    /// <param name="rounds">Refinements at most; 0 = the greedy start.</param>
    public static void Fit(ReadOnlySpan<float> weights, Span<byte> codes, Span<float> alphas, int rounds)
    {
        Greedy(weights, codes, alphas);
        for (var round = 0; round < rounds && Solve(weights, codes, alphas) && Assign(weights, codes, alphas); round++)
        {
        }
    }

    private static void Greedy(ReadOnlySpan<float> weights, Span<byte> codes, Span<float> alphas)
    {
        var left = weights.ToArray();
        codes.Clear();
        for (var k = 0; k < alphas.Length; k++)
        {
            var sum = 0.0;
            foreach (var w in left)
                sum += Math.Abs(w);
            alphas[k] = (float)(sum / left.Length);
            for (var j = 0; j < left.Length; j++)
            {
                if (left[j] >= 0)
                    codes[j] |= (byte)(1 << k);
                left[j] -= left[j] >= 0 ? alphas[k] : -alphas[k];
            }
        }
    }

    /// <summary>The α of least squared error: BᵀB α = Bᵀw. False where the signs of two bits depend on each other; then α stays.</summary>
    private static bool Solve(ReadOnlySpan<float> weights, Span<byte> codes, Span<float> alphas)
    {
        var n = alphas.Length;
        var system = new double[n, n + 1];
        for (var j = 0; j < weights.Length; j++)
            for (var a = 0; a < n; a++)
            {
                for (var b = 0; b < n; b++)
                    system[a, b] += Sign(codes[j], a) * Sign(codes[j], b);
                system[a, n] += Sign(codes[j], a) * weights[j];
            }
        for (var pivot = 0; pivot < n; pivot++)
        {
            if (system[pivot, pivot] < 1e-9 * weights.Length)
                return false;
            for (var row = 0; row < n; row++)
            {
                if (row == pivot)
                    continue;
                var factor = system[row, pivot] / system[pivot, pivot];
                for (var c = pivot; c <= n; c++)
                    system[row, c] -= factor * system[pivot, c];
            }
        }
        for (var k = 0; k < n; k++)
        {
            alphas[k] = (float)Math.Abs(system[k, n] / system[k, k]);
            if (system[k, n] < 0)
                foreach (ref var code in codes)
                    code ^= (byte)(1 << k);
        }
        return true;
    }

    /// <summary>The nearest value for every weight; false when nothing changed.</summary>
    private static bool Assign(ReadOnlySpan<float> weights, Span<byte> codes, ReadOnlySpan<float> alphas)
    {
        Span<float> values = stackalloc float[1 << BinaryCodedMatrix.MostBits];
        values = values[..(1 << alphas.Length)];
        BinaryCodedMatrix.Values(alphas, values);
        var changed = false;
        for (var j = 0; j < weights.Length; j++)
        {
            var best = codes[j];
            for (var code = 0; code < values.Length; code++)
                if (Math.Abs(weights[j] - values[code]) < Math.Abs(weights[j] - values[best]))
                    best = (byte)code;
            changed |= best != codes[j];
            codes[j] = best;
        }
        return changed;
    }

    private static double Sign(byte code, int bit) => (code >> bit & 1) != 0 ? 1 : -1;
}
