using Vernier.Kernels;

namespace Vernier.Files.Disk;

/// <summary>Writes a folder so that its name holds either the old content or the whole new one: the files go into a folder beside it, are flushed to the disk,
/// and the folder gets its name at <see cref="Commit"/>. Without a commit nothing is left behind. A folder that holds other things keeps them: the new
/// files then take their places one by one.</summary>
internal sealed class ReplacingFolder : IDisposable
{
    private readonly string _target;
    private readonly Func<string, bool> _isReplaced;
    private FileStream? _lock;
    private bool _done;

    /// <param name="isReplaced">Says of a file name whether it belongs to what is replaced, and goes with it.</param>
    /// <exception cref="IOException">The folder beside it cannot be made.</exception>
    public ReplacingFolder(string path, Func<string, bool> isReplaced)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        _isReplaced = isReplaced;
        _target = FilePlace.Real(Path);
        if (File.Exists(_target) || OutputFile.IsStream(_target))
            throw new IOException($"{Path}: is a file, and a folder is to be written");
        Unfinished.RemoveLeftovers(_target);
        Temporary = Unfinished.NameFor(_target);
        try
        {
            Directory.CreateDirectory(Temporary);
            _lock = new FileStream(Lock, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw new IOException($"{Path}: cannot be written: {Unfinished.Finished(e.Message)}", e);
        }
    }

    /// <summary>The folder that will be there after <see cref="Commit"/>.</summary>
    public string Path { get; }

    /// <summary>Where its files are written until then.</summary>
    public string Temporary { get; }

    private string Lock => System.IO.Path.Combine(Temporary, Unfinished.FolderLock);

    /// <summary>Puts the folder in place.</summary>
    /// <returns>Bytes of the files that were written.</returns>
    /// <exception cref="IOException">The disk is full or fails; the old content stays.</exception>
    public long Commit()
    {
        try
        {
            CloseLock();
            var bytes = 0L;
            foreach (var file in Directory.EnumerateFiles(Temporary, "*", SearchOption.AllDirectories))
                using (var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite))
                {
                    stream.Flush(flushToDisk: true);
                    bytes += stream.Length;
                }
            Place();
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{Path}: writing failed: {Unfinished.Finished(e.Message)}", e);
        }
    }

    public void Dispose()
    {
        if (_done)
            return;
        _done = true;
        try
        {
            CloseLock();
            if (Directory.Exists(Temporary))
                Directory.Delete(Temporary, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next that writes this name removes it.
        }
        Unfinished.Forget(Temporary);
    }

    private void CloseLock()
    {
        _lock?.Dispose();
        _lock = null;
        File.Delete(Lock);
    }

    private void Place()
    {
        if (!Directory.Exists(_target))
        {
            Directory.Move(Temporary, _target);
            return;
        }
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Temporary, File.GetUnixFileMode(_target));
        // After an exchange the old content has the temporary name and goes with it.
        var holdsOthers = Directory.EnumerateFileSystemEntries(_target).Any(e => Directory.Exists(e) || !IsReplaced(e));
        if (!holdsOthers && FileExchange.Try(Temporary, _target))
            return;
        MoveFiles();
    }

    /// <summary>File by file, those last that say what the others are; then what is left of the old content goes.</summary>
    private void MoveFiles()
    {
        var files = Directory.EnumerateFiles(Temporary).OrderBy(f => f.EndsWith(".json", StringComparison.Ordinal)).ThenBy(f => f, StringComparer.Ordinal).ToList();
        foreach (var file in files)
            File.Move(file, System.IO.Path.Combine(_target, System.IO.Path.GetFileName(file)), overwrite: true);
        var written = files.Select(System.IO.Path.GetFileName).ToHashSet(StringComparer.Ordinal);
        foreach (var old in Directory.EnumerateFiles(_target).Where(f => !written.Contains(System.IO.Path.GetFileName(f)) && _isReplaced(System.IO.Path.GetFileName(f))).ToList())
            File.Delete(old);
    }

    private bool IsReplaced(string path) => System.IO.Path.GetFileName(path) is var name && (_isReplaced(name) || File.Exists(System.IO.Path.Combine(Temporary, name)));
}
