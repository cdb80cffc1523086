using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Keys and values of one sequence, all layers. Grows to <see cref="Capacity"/> tokens.</summary>
internal sealed class KvCache : IDisposable
{
    private const int FirstAllocation = 256;

    private readonly KvStore<float>? _full;
    private readonly KvStore<Half>? _half;
    private readonly int _width;
    private int _allocated;

    /// <param name="capacity">Most tokens it may hold.</param>
    /// <param name="half">Keep keys and values as halves: half the memory and half the reading, for the integer arithmetic of inference.</param>
    public KvCache(ModelConfig config, int capacity, bool half = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        Config = config;
        Capacity = capacity;
        _width = config.KvHeads * config.HeadDim;
        if (half)
            _half = new KvStore<Half>(config.Layers, _width);
        else
            _full = new KvStore<float>(config.Layers, _width);
    }

    public ModelConfig Config { get; }

    public int Capacity { get; }

    /// <summary>Tokens held.</summary>
    public int Length { get; private set; }

    /// <summary>Keys and values are halves.</summary>
    public bool IsHalf => _half is not null;

    /// <summary>Bytes held in memory.</summary>
    public long Bytes => 2L * Config.Layers * _allocated * _width * (IsHalf ? 2 : sizeof(float));

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
        _allocated = Math.Min(Capacity, Math.Max(needed, Math.Max(FirstAllocation, 2 * _allocated)));
        _full?.Grow(_allocated, Length);
        _half?.Grow(_allocated, Length);
    }

    /// <summary>Stores keys and values [tokens, KV heads x head dim] behind the tokens held.</summary>
    internal void Store(int layer, ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        var tokens = keys.Length / _width;
        if (_half is not null)
        {
            HalfConversion.Narrow(keys, _half.Keys(layer, Length, tokens));
            HalfConversion.Narrow(values, _half.Values(layer, Length, tokens));
            return;
        }
        keys.CopyTo(_full!.Keys(layer, Length, tokens));
        values.CopyTo(_full.Values(layer, Length, tokens));
    }

    /// <summary>Asks for the first keys and values of a layer, which attention reads after a product or two.</summary>
    internal void BeginReading(int layer)
    {
        if (_half is null)
            return;
        ReadAhead.Begin<Half>(_half.Keys(layer, 0, Length));
        ReadAhead.Begin<Half>(_half.Values(layer, 0, Length));
    }

    /// <summary>Attention of the last queries of <paramref name="length"/> tokens over the keys and values stored.</summary>
    /// <param name="q">[queries, heads x head dim].</param>
    /// <param name="output">[queries, heads x head dim].</param>
    internal void Attend(Compute compute, int layer, ReadOnlySpan<float> q, int length, in AttentionShape shape, Span<float> output)
    {
        if (_half is not null)
            Attention.Cached(compute.Pool, q, _half.Keys(layer, 0, length), _half.Values(layer, 0, length), length, shape, output);
        else
            Attention.Cached(compute.Pool, q, _full!.Keys(layer, 0, length), _full.Values(layer, 0, length), length, shape, output);
    }

    /// <summary>Counts tokens whose keys and values have been written to all layers.</summary>
    internal void Advance(int tokens) => Length += tokens;

    public void Dispose()
    {
        _full?.Dispose();
        _half?.Dispose();
        (_allocated, Length) = (0, 0);
    }
}
