using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Memory for one activation: allocated on first use, kept from step to step, replaced only when a larger one is asked for.</summary>
internal sealed class GrowingBuffer : IDisposable
{
    private NativeBuffer<float>? _buffer;

    public long Bytes => (_buffer?.Length ?? 0) * sizeof(float);

    /// <summary>The first <paramref name="length"/> elements. Contents survive as long as the length does not grow.</summary>
    public Span<float> Of(int length)
    {
        if (_buffer is null || _buffer.Length < length)
        {
            _buffer?.Dispose();
            _buffer = new NativeBuffer<float>(length);
        }
        return _buffer.Slice(0, length);
    }

    public void Dispose()
    {
        _buffer?.Dispose();
        _buffer = null;
    }
}
