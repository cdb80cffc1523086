using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Rotary positions of one model.</summary>
internal sealed class Rotary(ModelConfig config) : IDisposable
{
    private readonly RopeTable _table = new(config.RopeTheta, config.RotaryDim, 0, config.RopeFrequencyFactors.ToArray(), config.RopeAttentionFactor);

    private bool Interleaved => config.Positions == PositionKind.RotaryInterleaved;

    /// <summary>Makes positions [0, <paramref name="positions"/>) available.</summary>
    public void Reserve(int positions) => _table.Reserve(positions);

    /// <summary>Rotates every head of x [tokens, heads x head dim] in place.</summary>
    public void Forward(Compute compute, ReadOnlySpan<int> positions, int heads, Span<float> x) =>
        Rope.Apply(compute.Pool, positions, heads, config.HeadDim, _table, Interleaved, x);

    /// <summary>Turns a gradient back.</summary>
    public void Backward(Compute compute, ReadOnlySpan<int> positions, int heads, Span<float> x) =>
        Rope.ApplyInverse(compute.Pool, positions, heads, config.HeadDim, _table, Interleaved, x);

    /// <summary>Recovers what <see cref="Forward"/> was given.</summary>
    public void Undo(Compute compute, ReadOnlySpan<int> positions, int heads, Span<float> x)
    {
        Backward(compute, positions, heads, x);
        if (config.RopeAttentionFactor == 1)
            return;
        // The table carries the attention factor m, so back and forth multiplies the rotated channels by m².
        var scale = 1 / (config.RopeAttentionFactor * config.RopeAttentionFactor);
        for (var head = 0; head < x.Length; head += config.HeadDim)
            foreach (ref var value in x.Slice(head, config.RotaryDim))
                value *= scale;
    }

    public void Dispose() => _table.Dispose();
}
