using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Cosines and sines of the rotary angles: angle of pair j at position p is p · θ^(-2j/d) / factor_j.
/// Angles are rounded to fp32 as the reference implementations do, so that long contexts agree with them.</summary>
internal sealed class RopeTable : IDisposable
{
    private readonly float[] _frequencies;
    private readonly float _magnitude;
    private NativeBuffer<float>? _cos;
    private NativeBuffer<float>? _sin;
    private int _positions;

    public RopeTable(ModelConfig config)
    {
        Pairs = config.RotaryDim / 2;
        Interleaved = config.Positions == PositionKind.RotaryInterleaved;
        _magnitude = config.RopeAttentionFactor;
        _frequencies = new float[Pairs];
        for (var j = 0; j < Pairs; j++)
        {
            var frequency = (float)(1 / (float)Math.Pow(config.RopeTheta, (float)(2 * j) / config.RotaryDim));
            _frequencies[j] = config.RopeFrequencyFactors.Count == 0 ? frequency : frequency / config.RopeFrequencyFactors[j];
        }
    }

    public int Pairs { get; }

    public bool Interleaved { get; }

    /// <summary>Makes the table hold positions [0, <paramref name="positions"/>).</summary>
    public void Reserve(int positions)
    {
        if (positions <= _positions)
            return;
        positions = Math.Max(positions, 2 * _positions);
        Dispose();
        _cos = new NativeBuffer<float>((long)positions * Pairs);
        _sin = new NativeBuffer<float>((long)positions * Pairs);
        var cos = _cos.Span;
        var sin = _sin.Span;
        for (var p = 0; p < positions; p++)
            for (var j = 0; j < Pairs; j++)
            {
                var angle = p * _frequencies[j];
                cos[p * Pairs + j] = (float)Math.Cos(angle) * _magnitude;
                sin[p * Pairs + j] = (float)Math.Sin(angle) * _magnitude;
            }
        _positions = positions;
    }

    /// <summary>Rotates every head of x [tokens, width] in place.</summary>
    public void Rotate(Compute compute, Span<float> x, int headDim, int width, ReadOnlySpan<int> positions) =>
        StandIns.Rotate(compute.Pool, x, headDim, width, positions, _cos!.Span, _sin!.Span, Pairs, Interleaved, 1);

    /// <summary>The transposed rotation: turns a gradient back.</summary>
    public void RotateBackward(Compute compute, Span<float> x, int headDim, int width, ReadOnlySpan<int> positions) =>
        StandIns.Rotate(compute.Pool, x, headDim, width, positions, _cos!.Span, _sin!.Span, Pairs, Interleaved, -1);

    /// <summary>The inverse of <see cref="Rotate"/>: recovers what was rotated.</summary>
    public void Undo(Compute compute, Span<float> x, int headDim, int width, ReadOnlySpan<int> positions)
    {
        RotateBackward(compute, x, headDim, width, positions);
        if (_magnitude == 1)
            return;
        // The table carries the magnitude m, so back and forth multiplies the rotated channels by m².
        var scale = 1 / (_magnitude * _magnitude);
        for (var head = 0; head < x.Length; head += headDim)
            foreach (ref var value in x.Slice(head, 2 * Pairs))
                value *= scale;
    }

    public void Dispose()
    {
        _cos?.Dispose();
        _sin?.Dispose();
        _positions = 0;
    }
}
