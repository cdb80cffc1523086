using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Vernier.Kernels;

/// <summary>The bytes of a file, read-only. Small pieces are read through windows: a file that another process cuts meanwhile is then an error that says so, where a page of a map
/// that is no longer there would end the process. Large pieces are the map itself: nothing is copied, pages are read when they are first touched, and spans are valid until disposal.</summary>
internal sealed unsafe partial class MappedMemory : IDisposable
{
    private const int AdviseNotNeeded = 4; // Linux
    private const int WindowBytes = 1 << 16; // below the size from which the collector treats arrays as large
    private const int Windows = 4; // places that one thread reads in turn
    private const int LargestCopy = 1 << 20;
    private readonly string _path;
    private readonly FileStream? _stream;
    private readonly DateTime _written;
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly ThreadLocal<WindowSet> _windows = new(() => new WindowSet());
    private byte* _pointer;
    private bool _disposed;

    private MappedMemory(string path, FileStream? stream, MemoryMappedFile? file, MemoryMappedViewAccessor? view, long length)
    {
        _path = path;
        _stream = stream;
        _written = stream is null ? default : File.GetLastWriteTimeUtc(stream.SafeFileHandle);
        _file = file;
        _view = view;
        Length = length;
        if (view is null)
            return;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref _pointer);
        _pointer += view.PointerOffset;
    }

    /// <summary>Size of the file when it was opened.</summary>
    public long Length { get; }

    /// <summary>Maps a file; an empty one has no bytes and is no error here.</summary>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="InvalidDataException">Not a regular file.</exception>
    public static MappedMemory Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (FileIdentity.Of(path).Kind is FileKind.Special or FileKind.Folder) // opening a pipe may wait for ever, and a device has no end
            throw new InvalidDataException($"{path}: file: found a folder, device, pipe or socket, expected a regular file");
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        try
        {
            if (stream.Length == 0)
            {
                stream.Dispose();
                return new MappedMemory(path, null, null, null, 0);
            }
            var length = stream.Length;
            var file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            return new MappedMemory(path, stream, file, file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read), length);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The bytes [<paramref name="start"/>, start + <paramref name="length"/>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the file.</exception>
    /// <exception cref="InvalidDataException">The file has another length by now.</exception>
    public ReadOnlySpan<byte> Slice(long start, int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
        if (length <= LargestCopy && _stream is not null)
            return Window(start, length);
        RequireLength();
        return new(_pointer + start, length);
    }

    private ReadOnlySpan<byte> Window(long start, int length)
    {
        if (length == 0)
            return default;
        var set = _windows.Value!;
        foreach (var (at, bytes) in set.Places)
            if (bytes is not null && start >= at && start + length <= at + bytes.Length)
                return bytes.AsSpan((int)(start - at), length);
        RequireLength();
        var window = GC.AllocateUninitializedArray<byte>((int)Math.Min(Math.Max(length, WindowBytes), Length - start));
        for (var done = 0; done < window.Length;)
        {
            var read = RandomAccess.Read(_stream!.SafeFileHandle, window.AsSpan(done), start + done);
            if (read == 0)
                RequireLength();
            if (read == 0)
                throw new InvalidDataException($"{_path}: changed while it was read: found no bytes at {start + done}");
            done += read;
        }
        set.Places[set.Next++ % Windows] = (start, window);
        return window.AsSpan(0, length);
    }

    /// <summary>What a thread read last; an array that is still looked at stays alive by its spans.</summary>
    private sealed class WindowSet
    {
        public (long Start, byte[]? Bytes)[] Places { get; } = new (long, byte[]?)[Windows];

        public int Next { get; set; }
    }

    /// <summary>Refuses a file that another process wrote to or cut since it was opened; one that was replaced by name is still the old one here.</summary>
    /// <exception cref="InvalidDataException">Its length or the time of its last change is another.</exception>
    public void RequireUnchanged()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        RequireLength();
        if (_stream is not null && File.GetLastWriteTimeUtc(_stream.SafeFileHandle) is var now && now != _written)
            throw new InvalidDataException($"{_path}: changed while it was read: last written {now:O}, at the start {_written:O}");
    }

    /// <summary>A page behind the end of a file that was cut would end the process.</summary>
    private void RequireLength()
    {
        if (_stream is not null && RandomAccess.GetLength(_stream.SafeFileHandle) is var now && now != Length)
            throw new InvalidDataException($"{_path}: changed while it was read: it has {now} bytes, at the start {Length}");
    }

    /// <summary>Says that the bytes [<paramref name="start"/>, start + <paramref name="length"/>) will not be read again soon, so that they stop
    /// counting as this process's memory. They can still be read; the system fetches them anew.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the file.</exception>
    public void Release(long start, long length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length - length);
        if (!OperatingSystem.IsLinux() || length == 0)
            return;
        var page = start - start % Environment.SystemPageSize; // the map begins on a page
        _ = Advise(_pointer + page, (nuint)(start + length - page), AdviseNotNeeded); // only advice
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _windows.Dispose();
        if (_view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }
        _file?.Dispose();
    }
}
