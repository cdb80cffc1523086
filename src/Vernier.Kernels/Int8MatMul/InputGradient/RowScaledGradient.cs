using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Folds a weight's scales, one a row, into output gradients and rounds the result to bytes at random (unbiased).
/// With w = s q + o: Σ dy w = Σ (dy s) (q + o / s), and rows with s = 0 give Σ dy o, which is not rounded.</summary>
/// <param name="memory">3 * <paramref name="stride"/> floats.</param>
/// <param name="stride">Rows of the weight, rounded up to whole groups.</param>
internal readonly unsafe struct RowScaledGradient(float* memory, int stride)
{
    private const int GroupSize = QuantizedActivations.GroupSize;

    private float* Scale => memory;

    /// <summary>o / s, or 0.</summary>
    private float* Ratio => memory + stride;

    /// <summary>o where s = 0, else 0.</summary>
    private float* Rest => memory + 2L * stride;

    public void Set(PackedMatrix weight)
    {
        new Span<float>(memory, 3 * stride).Clear();
        weight.Scales.Read(0, weight.Rows, Scale, Rest);
        for (var i = 0; i < weight.Rows; i++)
            (Ratio[i], Rest[i]) = Scale[i] != 0 ? (Rest[i] / Scale[i], 0f) : (0f, Rest[i]);
    }

    /// <summary>Codes [stride] and scales [stride / 32] of one token; returns Σ over rows of what the offsets contribute to each of its dX.</summary>
    /// <param name="counter">Of the first element; each next one has the next.</param>
    [MethodImpl(Kernel.Body)]
    public float Row(float* dy, int rows, uint counter, sbyte* codes, float* scales)
    {
        var total = 0f;
        for (var first = 0; first < stride; first += GroupSize)
        {
            var count = Math.Clamp(rows - first, 0, GroupSize);
            total += count == GroupSize && Vector256.IsHardwareAccelerated
                ? GroupVector(dy + first, first, counter + (uint)first, codes + first, out scales[first / GroupSize])
                : GroupScalar(dy + first, first, count, counter + (uint)first, codes + first, out scales[first / GroupSize]);
        }
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private float GroupVector(float* dy, int first, uint counter, sbyte* codes, out float scale)
    {
        var s = Scale + first;
        var (d0, d1, d2, d3) = (Vector256.Load(dy), Vector256.Load(dy + 8), Vector256.Load(dy + 16), Vector256.Load(dy + 24));
        var (e0, e1, e2, e3) = (d0 * Vector256.Load(s), d1 * Vector256.Load(s + 8), d2 * Vector256.Load(s + 16), d3 * Vector256.Load(s + 24));
        var most = Vector256.Max(Vector256.Max(Vector256.Abs(e0), Vector256.Abs(e1)), Vector256.Max(Vector256.Abs(e2), Vector256.Abs(e3)));
        var half = Vector128.Max(most.GetLower(), most.GetUpper());
        var max = MathF.Max(QuantizedActivations.LeastMax, MathF.Max(MathF.Max(half[0], half[1]), MathF.Max(half[2], half[3])));
        var inverse = Vector256.Create(127 / max);
        scale = max / 127;
        var lanes = Vector256.Create(counter) + Vector256<uint>.Indices;
        var (c0, c1) = (Round(e0 * inverse, lanes), Round(e1 * inverse, lanes + Vector256.Create(8u)));
        var (c2, c3) = (Round(e2 * inverse, lanes + Vector256.Create(16u)), Round(e3 * inverse, lanes + Vector256.Create(24u)));
        Vector256.Narrow(
            Vector256.Narrow(Vector256.ConvertToInt32(c0), Vector256.ConvertToInt32(c1)),
            Vector256.Narrow(Vector256.ConvertToInt32(c2), Vector256.ConvertToInt32(c3))).Store(codes);
        var ratio = Ratio + first;
        var rest = Rest + first;
        var met = c0 * Vector256.Load(ratio) + c1 * Vector256.Load(ratio + 8) + (c2 * Vector256.Load(ratio + 16) + c3 * Vector256.Load(ratio + 24));
        var unmet = d0 * Vector256.Load(rest) + d1 * Vector256.Load(rest + 8) + (d2 * Vector256.Load(rest + 16) + d3 * Vector256.Load(rest + 24));
        return Vector256.Sum(met * scale + unmet);
    }

    private float GroupScalar(float* dy, int first, int count, uint counter, sbyte* codes, out float scale)
    {
        var max = QuantizedActivations.LeastMax;
        for (var i = 0; i < count; i++)
            max = MathF.Max(max, MathF.Abs(dy[i] * Scale[first + i]));
        var inverse = 127 / max;
        scale = max / 127;
        var total = 0f;
        for (var i = 0; i < GroupSize; i++)
        {
            codes[i] = i < count ? (sbyte)MathF.Min(127, MathF.Floor(dy[i] * Scale[first + i] * inverse + CounterRandom.Uniform(counter + (uint)i))) : (sbyte)0;
            if (i < count)
                total += codes[i] * Ratio[first + i] * scale + dy[i] * Rest[first + i];
        }
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Round(Vector256<float> value, Vector256<uint> counters) =>
        Vector256.Min(Vector256.Floor(value + CounterRandom.Uniform(counters)), Vector256.Create(127f));
}
