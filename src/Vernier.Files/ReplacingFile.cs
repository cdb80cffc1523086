namespace Vernier.Files;

/// <summary>Writes a file so that its name holds either the old content or the whole new one, whatever happens: the bytes go to a file
/// beside it, which is flushed to the disk and renamed at <see cref="Commit"/>. Without a commit nothing is left behind.</summary>
public sealed class ReplacingFile : IDisposable
{
    private readonly string _temporary;
    private readonly FileStream _stream;
    private bool _committed;

    /// <exception cref="IOException">The folder is missing or cannot be written.</exception>
    public ReplacingFile(string path)
        : this(path, temporary => new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
    {
    }

    /// <param name="create">Opens the file beside the target; tests let it fail.</param>
    internal ReplacingFile(string path, Func<string, FileStream> create)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = System.IO.Path.GetFullPath(path);
        _temporary = $"{Path}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        OpenTemporaries.Add(_temporary);
        try
        {
            _stream = create(_temporary);
        }
        catch
        {
            OpenTemporaries.Remove(_temporary);
            throw;
        }
    }

    /// <summary>The file that will be there after <see cref="Commit"/>.</summary>
    public string Path { get; }

    /// <summary>Bytes written.</summary>
    public long Position { get; private set; }

    /// <exception cref="IOException">The disk is full or fails; names the file and what had been written.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _stream.Write(bytes);
            Position += bytes.Length;
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            throw Failed(e);
        }
    }

    /// <summary>Zeros up to a multiple of <paramref name="alignment"/>.</summary>
    public void Pad(int alignment)
    {
        Span<byte> zeros = stackalloc byte[64];
        zeros.Clear();
        for (var left = (int)((alignment - Position % alignment) % alignment); left > 0; left -= zeros.Length)
            Write(zeros[..Math.Min(left, zeros.Length)]);
    }

    /// <summary>Puts the new content in place.</summary>
    /// <exception cref="IOException">The disk is full or fails; the old content stays.</exception>
    public void Commit()
    {
        try
        {
            _stream.Flush(flushToDisk: true);
            _stream.Dispose();
            File.Move(_temporary, Path, overwrite: true);
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            throw Failed(e);
        }
        OpenTemporaries.Remove(_temporary);
        _committed = true;
    }

    public void Dispose()
    {
        if (_committed)
            return;
        try
        {
            _stream.Dispose();
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            // What was still buffered could not be written; the file is given up anyway.
        }
        File.Delete(_temporary);
        OpenTemporaries.Remove(_temporary);
        _committed = true;
    }

    /// <summary>A file that is too large for its file system is an argument out of range to the runtime.</summary>
    private static bool IsOfTheDisk(Exception e) => e is IOException or ArgumentOutOfRangeException;

    private IOException Failed(Exception e) => new($"{Path}: writing failed after {Position} bytes, nothing was changed: {e.Message}", e);
}
