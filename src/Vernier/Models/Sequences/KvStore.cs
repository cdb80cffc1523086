using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Keys and values of one sequence in one element type, [tokens, width] for every layer.</summary>
internal sealed class KvStore<T>(int layers, int width) : IDisposable
    where T : unmanaged
{
    private readonly NativeBuffer<T>?[] _keys = new NativeBuffer<T>?[layers];
    private readonly NativeBuffer<T>?[] _values = new NativeBuffer<T>?[layers];

    /// <summary>The keys of tokens [first, first + tokens).</summary>
    public Span<T> Keys(int layer, int first, int tokens) => _keys[layer]!.Slice((long)first * width, tokens * width);

    /// <summary>The values of tokens [first, first + tokens).</summary>
    public Span<T> Values(int layer, int first, int tokens) => _values[layer]!.Slice((long)first * width, tokens * width);

    /// <summary>Makes room for <paramref name="size"/> tokens and keeps the first <paramref name="held"/>.</summary>
    public void Grow(int size, int held)
    {
        for (var layer = 0; layer < _keys.Length; layer++)
        {
            Grow(ref _keys[layer], size, held);
            Grow(ref _values[layer], size, held);
        }
    }

    public void Dispose()
    {
        for (var layer = 0; layer < _keys.Length; layer++)
        {
            _keys[layer]?.Dispose();
            _values[layer]?.Dispose();
            (_keys[layer], _values[layer]) = (null, null);
        }
    }

    private void Grow(ref NativeBuffer<T>? buffer, int size, int held)
    {
        var larger = new NativeBuffer<T>((long)size * width);
        buffer?.Slice(0, held * width).CopyTo(larger.Slice(0, held * width));
        buffer?.Dispose();
        buffer = larger;
    }
}
