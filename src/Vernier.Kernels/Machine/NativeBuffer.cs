using System.Runtime.InteropServices;

namespace Vernier.Kernels;

/// <summary>A block of native memory, at least 64-byte aligned and zeroed. Outlives the garbage collector's attention: dispose it, or leave it to the finalizer.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private const int Alignment = 64;
    private readonly bool _inSlab, _isGuarded;
    private T* _pointer;
    private HolderCount? _holders; // null = this one alone

    /// <summary>Allocates <paramref name="length"/> zeroed elements.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    /// <exception cref="OverflowException">The length is too large for the address space.</exception>
    /// <exception cref="OutOfMemoryException">The memory is not to be had.</exception>
    public NativeBuffer(long length)
        : this(length, isWeight: false)
    {
    }

    /// <param name="isWeight">Lives long and streams through the caches: lies on large pages with others of its kind.</param>
    internal NativeBuffer(long length, bool isWeight)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        (Length, IsWeight) = (length, isWeight);
        var bytes = Bytes;
        _isGuarded = GuardPages.AreOn;
        _inSlab = !_isGuarded && isWeight && WeightSlabs.Serves(bytes);
        if (_isGuarded)
        {
            _pointer = (T*)GuardPages.Allocate(bytes);
        }
        else if (_inSlab)
        {
            _pointer = (T*)WeightSlabs.Allocate(bytes, sizeof(T));
        }
        else if (HugePages.Serves(bytes))
        {
            _pointer = (T*)HugePages.Allocate(bytes);
        }
        else
        {
            _pointer = (T*)NativeMemory.AlignedAlloc(nuint.Max(bytes, Alignment), Alignment);
            NativeMemory.Clear(_pointer, bytes);
        }
    }

    private NativeBuffer(NativeBuffer<T> source, HolderCount holders)
    {
        (Length, IsWeight, _inSlab, _isGuarded, _holders) = (source.Length, source.IsWeight, source._inSlab, source._isGuarded, holders);
        _pointer = source.Pointer;
        Interlocked.Increment(ref holders.Count);
    }

    /// <summary>Frees what nobody disposed.</summary>
    ~NativeBuffer() => Free();

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    /// <summary>Lies with other weights.</summary>
    internal bool IsWeight { get; }

    /// <summary>The first element's address; valid until disposal.</summary>
    internal T* Pointer => _pointer is null ? throw new ObjectDisposedException(nameof(NativeBuffer<T>)) : _pointer;

    /// <summary>All elements.</summary>
    /// <exception cref="OverflowException">The buffer holds more than <see cref="int.MaxValue"/> elements: use <see cref="Slice"/>.</exception>
    public Span<T> Span => new(Pointer, checked((int)Length));

    private nuint Bytes => checked((nuint)Length * (nuint)sizeof(T));

    /// <summary>The elements [<paramref name="start"/>, start + <paramref name="length"/>).</summary>
    public Span<T> Slice(long start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
        return new(Pointer + start, length);
    }

    /// <summary>Another holder of the same memory, which is freed when the last one is disposed.</summary>
    internal NativeBuffer<T> Share()
    {
        if (_holders is null)
            Interlocked.CompareExchange(ref _holders, new HolderCount { Count = 1 }, null);
        return new(this, _holders);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        var memory = _pointer;
        if (memory is null)
            return;
        _pointer = null;
        if (_holders is not null && Interlocked.Decrement(ref _holders.Count) > 0)
            return;
        if (_isGuarded)
            GuardPages.Free(memory, Bytes);
        else if (_inSlab)
            WeightSlabs.Free(memory);
        else if (HugePages.Serves(Bytes))
            HugePages.Free(memory, Bytes);
        else
            NativeMemory.AlignedFree(memory);
    }

    private sealed class HolderCount
    {
        public int Count;
    }
}
