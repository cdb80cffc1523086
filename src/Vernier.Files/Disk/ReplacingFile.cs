namespace Vernier.Files.Disk;

/// <summary>Writes a file so that its name holds either the old content or the whole new one, whatever happens: the bytes go to a file
/// beside it, which is flushed to the disk and renamed at <see cref="Commit"/>. Without a commit nothing is left behind.</summary>
internal sealed class ReplacingFile : IDisposable
{
    private readonly string _target;
    private readonly string? _temporary;
    private readonly Stream _stream;
    private bool _committed;

    /// <exception cref="IOException">The folder is missing or cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file that is there is read-only, or the folder is.</exception>
    public ReplacingFile(string path)
        : this(path, temporary => new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
    {
    }

    /// <param name="create">Opens the file beside the target; tests let it fail.</param>
    internal ReplacingFile(string path, Func<string, FileStream> create)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = System.IO.Path.GetFullPath(path);
        _target = new FileInfo(Path).LinkTarget is null ? Path : FilePlace.Real(Path); // a link stays one
        if (OutputFile.OpenStream(Path) is { } stream)
        {
            _stream = stream; // what has no content to replace is written as it comes
            return;
        }
        RequirePlace();
        Unfinished.RemoveLeftovers(_target);
        _temporary = Unfinished.NameFor(_target);
        try
        {
            _stream = create(_temporary);
            if (!OperatingSystem.IsWindows() && File.Exists(_target) && File.Exists(_temporary)) // tests write elsewhere
                File.SetUnixFileMode(_temporary, File.GetUnixFileMode(_target));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw new IOException($"{Unfinished.Finished(Path)}: cannot be written: {Plain(e.Message)}", e);
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

    /// <summary>Flushes to the disk and closes; nothing can be written afterwards. The name still holds the old content.</summary>
    /// <exception cref="IOException">The disk is full or fails; the old content stays.</exception>
    public void Complete()
    {
        try
        {
            if (_stream is FileStream { CanWrite: true } file && _temporary is not null)
                file.Flush(flushToDisk: true);
            _stream.Dispose();
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            throw Failed(e);
        }
    }

    /// <summary>Puts the new content in place.</summary>
    /// <exception cref="IOException">The disk is full or fails; the old content stays.</exception>
    public void Commit()
    {
        Complete();
        try
        {
            if (_temporary is not null)
                File.Move(_temporary, _target, overwrite: true);
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            throw Failed(e);
        }
        _committed = true;
        if (_temporary is not null)
            Unfinished.Forget(_temporary);
    }

    public void Dispose()
    {
        if (_committed)
            return;
        _committed = true;
        try
        {
            _stream?.Dispose(); // null where it could not be opened
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            // What was still buffered could not be written; the file is given up anyway.
        }
        if (_temporary is null)
            return;
        File.Delete(_temporary);
        Unfinished.Forget(_temporary);
    }

    private void RequirePlace()
    {
        var folder = System.IO.Path.GetDirectoryName(_target);
        if (folder is not null && !Directory.Exists(folder))
            throw new DirectoryNotFoundException($"{Path}: there is no folder {folder}");
        if (Directory.Exists(_target))
            throw new IOException($"{Path}: is a folder, and a file is to be written");
        if (File.Exists(_target) && File.GetAttributes(_target).HasFlag(FileAttributes.ReadOnly))
            throw new UnauthorizedAccessException($"{Path}: is read-only");
    }

    /// <summary>A file that is too large for its file system is an argument out of range to the runtime.</summary>
    private static bool IsOfTheDisk(Exception e) => e is IOException or ArgumentOutOfRangeException;

    private IOException Failed(Exception e) => new($"{Unfinished.Finished(Path)}: writing failed after {Position} bytes, nothing was changed: {Plain(e.Message)}", e);

    /// <summary>Messages of the runtime name the file that is being written, which nobody asked for.</summary>
    private static string Plain(string message) => Unfinished.Finished(message);
}
