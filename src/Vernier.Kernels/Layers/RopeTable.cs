namespace Vernier.Kernels;

/// <summary>Cosines and sines of rotary positions (Su et al., arXiv 2104.09864): angle of position p and pair j is
/// p · theta^(-2j/dim) / factor_j. Computed in double, grown on demand.</summary>
internal sealed unsafe class RopeTable : IDisposable
{
    private readonly double[] _frequencies;
    private readonly double _attentionFactor;
    private NativeBuffer<float> _values;

    /// <param name="theta">Base of the frequencies.</param>
    /// <param name="dim">Channels of a head that rotate; even.</param>
    /// <param name="maxPositions">Positions to compute now.</param>
    /// <param name="frequencyFactors">[dim / 2] divisors of the frequencies; empty = all 1.</param>
    /// <param name="attentionFactor">Multiplies cosines and sines (YaRN).</param>
    /// <param name="first">Positions before it are not asked for.</param>
    public RopeTable(double theta, int dim, int maxPositions, ReadOnlySpan<float> frequencyFactors = default, float attentionFactor = 1f, int first = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(theta);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dim);
        ArgumentOutOfRangeException.ThrowIfNegative(maxPositions);
        if (dim % 2 != 0)
            throw new ArgumentException($"{dim} channels cannot be paired", nameof(dim));
        if (!frequencyFactors.IsEmpty && frequencyFactors.Length != dim / 2)
            throw new ArgumentException($"{frequencyFactors.Length} factors for {dim / 2} pairs", nameof(frequencyFactors));
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        Dim = dim;
        First = Positions = first;
        _attentionFactor = attentionFactor;
        _frequencies = new double[dim / 2];
        for (var j = 0; j < _frequencies.Length; j++)
            _frequencies[j] = Math.Pow(theta, -2.0 * j / dim) / (frequencyFactors.IsEmpty ? 1.0 : frequencyFactors[j]);
        _values = new NativeBuffer<float>(0);
        Reserve(maxPositions);
    }

    /// <summary>Channels of a head that rotate.</summary>
    public int Dim { get; }

    /// <summary>The first position that it has.</summary>
    public int First { get; }

    /// <summary>Positions [First, Positions) are computed.</summary>
    public int Positions { get; private set; }

    /// <summary>[positions, dim]: the dim / 2 cosines of a position, then its sines.</summary>
    internal float* Pointer => _values.Pointer - (long)First * Dim;

    /// <summary>Makes positions [First, <paramref name="positions"/>) available. Not while a kernel uses the table.</summary>
    public void Reserve(int positions)
    {
        if (positions <= Positions)
            return;
        positions = (int)Math.Max(positions, Math.Min(First + 2L * (Positions - First), Array.MaxLength));
        var grown = new NativeBuffer<float>((long)(positions - First) * Dim);
        var half = Dim / 2;
        for (var p = First; p < positions; p++)
        {
            var row = grown.Slice((long)(p - First) * Dim, Dim);
            if (p < Positions)
            {
                _values.Slice((long)(p - First) * Dim, Dim).CopyTo(row);
                continue;
            }
            for (var j = 0; j < half; j++)
            {
                var (sin, cos) = Math.SinCos(p * _frequencies[j]);
                (row[j], row[half + j]) = ((float)(cos * _attentionFactor), (float)(sin * _attentionFactor));
            }
        }
        _values.Dispose();
        _values = grown;
        Positions = positions;
    }

    /// <inheritdoc/>
    public void Dispose() => _values.Dispose();
}
