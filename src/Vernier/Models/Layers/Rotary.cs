using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Rotary positions of one model. With some scalings the angles of a text depend on its length: then each sequence of a pass takes the table of its own
/// length. Keys that a cache holds keep the angles that they were stored with, as in transformers.</summary>
internal sealed class Rotary : IDisposable
{
    private const int MostTables = 64;

    private readonly ModelConfig _config;
    private readonly double _theta;
    private readonly float _attentionFactor;
    private readonly RopeTable _table;
    private readonly RopeFormula? _varying;
    private readonly RopeTable? _longTable;
    private readonly Dictionary<(int First, int Extent), RopeTable> _ofLength = [];

    /// <param name="local">For layers with a window: their own base, without scaling.</param>
    public Rotary(ModelConfig config, bool local = false)
    {
        (_config, _theta, _attentionFactor) = local ? (config, config.LocalRopeTheta, 1) : (config, config.RopeTheta, config.RopeAttentionFactor);
        _table = Table(local ? [] : config.RopeFrequencyFactors);
        _varying = !local && config.RopeFormula is { VariesWithLength: true } formula ? formula : null;
        if (_varying is { LongFactors.Count: > 0 })
            _longTable = Table(_varying.LongFactors);
    }

    private bool Interleaved => _config.Positions == PositionKind.RotaryInterleaved;

    /// <summary>Makes positions [0, <paramref name="positions"/>) available.</summary>
    public void Reserve(int positions)
    {
        if (_varying is null)
            _table.Reserve(positions); // others grow when they are used
    }

    /// <summary>Rotates every head of x [tokens, heads x head dim] in place.</summary>
    public void Forward(Compute compute, TokenLayout layout, int heads, Span<float> x) => Rotate(compute, layout, heads, x, false);

    /// <summary>Turns a gradient back.</summary>
    public void Backward(Compute compute, TokenLayout layout, int heads, Span<float> x) => Rotate(compute, layout, heads, x, true);

    /// <summary>Recovers what <see cref="Forward"/> was given.</summary>
    public void Undo(Compute compute, TokenLayout layout, int heads, Span<float> x)
    {
        Backward(compute, layout, heads, x);
        if (_attentionFactor == 1)
            return;
        // The table carries the attention factor m, so back and forth multiplies the rotated channels by m².
        var scale = 1 / (_attentionFactor * _attentionFactor);
        for (var head = 0; head < x.Length; head += _config.HeadDim)
            foreach (ref var value in x.Slice(head, _config.RotaryDim))
                value *= scale;
    }

    public void Dispose()
    {
        _table.Dispose();
        _longTable?.Dispose();
        Forget();
    }

    private void Rotate(Compute compute, TokenLayout layout, int heads, Span<float> x, bool back)
    {
        if (_varying is null)
        {
            Apply(compute, layout.Positions, heads, _table, x, back);
            return;
        }
        var width = heads * _config.HeadDim;
        for (var s = 0; s < layout.Sequences; s++)
        {
            var (start, end) = (layout.Starts[s], layout.Starts[s + 1]);
            if (start == end)
                continue;
            var positions = layout.Positions[start..end];
            Apply(compute, positions, heads, TableFor(positions[0], positions[^1] + 1), x[(start * width)..(end * width)], back);
        }
    }

    private void Apply(Compute compute, ReadOnlySpan<int> positions, int heads, RopeTable table, Span<float> x, bool back)
    {
        if (back)
            Rope.ApplyInverse(compute.Pool, positions, heads, _config.HeadDim, table, Interleaved, x);
        else
            Rope.Apply(compute.Pool, positions, heads, _config.HeadDim, table, Interleaved, x);
    }

    /// <summary>The table for a text of <paramref name="extent"/> tokens, of which those from <paramref name="first"/> on are asked for.</summary>
    private RopeTable TableFor(int first, int extent)
    {
        if (extent <= _varying!.OriginalContext)
            return _table;
        if (_longTable is not null)
            return _longTable;
        if (_ofLength.TryGetValue((first, extent), out var table))
            return table;
        if (_ofLength.Count == MostTables)
            Forget();
        var theta = _varying.ThetaFor(_theta, _config.RotaryDim, extent);
        return _ofLength[(first, extent)] = new RopeTable(theta, _config.RotaryDim, extent, [], _attentionFactor, first);
    }

    private RopeTable Table(IReadOnlyList<float> factors) => new(_theta, _config.RotaryDim, 0, factors.ToArray(), _attentionFactor);

    private void Forget()
    {
        foreach (var table in _ofLength.Values)
            table.Dispose();
        _ofLength.Clear();
    }
}
