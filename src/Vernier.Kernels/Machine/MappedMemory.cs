using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Vernier.Kernels;

/// <summary>The bytes of a file, mapped read-only. Nothing is copied and pages are read when they are first touched,
/// so opening a large file costs next to nothing. Spans of it are valid until disposal.</summary>
public sealed unsafe partial class MappedMemory : IDisposable
{
    private const int AdviseNotNeeded = 4; // Linux
    private const int Unlooked = 1 << 18; // bytes handed out between two looks at the file's length: some tens of microseconds of reading
    private readonly string _path;
    private readonly FileStream? _stream;
    private readonly DateTime _written;
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private long _handedOut;
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
        if ((_handedOut += length) >= Unlooked) // several threads may miss a sum: then the next look comes a little later
        {
            _handedOut = 0;
            RequireLength();
        }
        return new(_pointer + start, length);
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

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (_view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }
        _file?.Dispose();
    }
}
