using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Keys and values of one sequence, all layers. Grows to <see cref="Capacity"/> tokens.</summary>
public sealed class KvCache : IDisposable
{
    private const int FirstAllocation = 256;

    private readonly NativeBuffer<float>?[] _keys;
    private readonly NativeBuffer<float>?[] _values;
    private readonly int _width;
    private int _allocated;

    /// <param name="capacity">Most tokens it may hold.</param>
    public KvCache(ModelConfig config, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        Config = config;
        Capacity = capacity;
        _width = config.KvHeads * config.HeadDim;
        _keys = new NativeBuffer<float>?[config.Layers];
        _values = new NativeBuffer<float>?[config.Layers];
    }

    public ModelConfig Config { get; }

    public int Capacity { get; }

    /// <summary>Tokens held.</summary>
    public int Length { get; private set; }

    /// <summary>Bytes held in memory.</summary>
    public long Bytes => 2L * _keys.Length * _allocated * _width * sizeof(float);

    /// <summary>Forgets all tokens from <paramref name="length"/> on.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = Math.Min(Length, length);
    }

    /// <summary>Makes room for more tokens behind those held.</summary>
    /// <exception cref="InvalidOperationException">The capacity would be exceeded.</exception>
    internal void Reserve(int tokens)
    {
        var needed = Length + tokens;
        if (needed > Capacity)
            throw new InvalidOperationException($"the cache holds {Length} of at most {Capacity} tokens; {tokens} more do not fit");
        if (needed <= _allocated)
            return;
        var size = Math.Min(Capacity, Math.Max(needed, Math.Max(FirstAllocation, 2 * _allocated)));
        for (var layer = 0; layer < _keys.Length; layer++)
        {
            Grow(ref _keys[layer], size);
            Grow(ref _values[layer], size);
        }
        _allocated = size;
    }

    /// <summary>[tokens, KV heads x head dim] behind the tokens held, to be written.</summary>
    internal Span<float> NewKeys(int layer, int tokens) => _keys[layer]!.Slice((long)Length * _width, tokens * _width);

    /// <inheritdoc cref="NewKeys"/>
    internal Span<float> NewValues(int layer, int tokens) => _values[layer]!.Slice((long)Length * _width, tokens * _width);

    /// <summary>The first <paramref name="tokens"/> keys.</summary>
    internal Span<float> Keys(int layer, int tokens) => _keys[layer]!.Slice(0, tokens * _width);

    /// <summary>The first <paramref name="tokens"/> values.</summary>
    internal Span<float> Values(int layer, int tokens) => _values[layer]!.Slice(0, tokens * _width);

    /// <summary>Counts tokens whose keys and values have been written to all layers.</summary>
    internal void Advance(int tokens) => Length += tokens;

    public void Dispose()
    {
        for (var layer = 0; layer < _keys.Length; layer++)
        {
            _keys[layer]?.Dispose();
            _values[layer]?.Dispose();
            (_keys[layer], _values[layer]) = (null, null);
        }
        (_allocated, Length) = (0, 0);
    }

    private void Grow(ref NativeBuffer<float>? buffer, int size)
    {
        var larger = new NativeBuffer<float>((long)size * _width);
        buffer?.Slice(0, Length * _width).CopyTo(larger.Slice(0, Length * _width));
        buffer?.Dispose();
        buffer = larger;
    }
}
