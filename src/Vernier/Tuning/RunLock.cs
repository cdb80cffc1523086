using System.Globalization;
using Vernier.Kernels;

namespace Vernier.Tuning;

/// <summary>Says that a run writes a folder: an operating-system lock on a file in it, so that a process that is killed lets go of it. What such a process
/// leaves is an unlocked file, which the next run takes over.</summary>
internal sealed class RunLock : IDisposable
{
    public const string FileName = ".lock";

    private const int Attempts = 20;

    // Errors of a file that another has locked: EAGAIN of Linux and of macOS, a sharing violation of Windows.
    private static readonly int[] s_busy = [11, 35, unchecked((int)0x80070020), unchecked((int)0x80070021)];

    private readonly string _path;
    private readonly FileStream _file;

    private RunLock(string path, FileStream file) => (_path, _file) = (path, file);

    /// <summary>Takes the lock of a folder that exists.</summary>
    /// <exception cref="IOException">Another run has it, or the folder cannot be written.</exception>
    public static RunLock Take(string folder)
    {
        var path = Path.Combine(folder, FileName);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var file = Open(folder, path);
            // Whoever had it may have deleted the file after it was opened here: then another file has the name by now, or none.
            if (OperatingSystem.IsWindows() || FileIdentity.Of(path).IsSameAs(OfHandle(file)))
                return new RunLock(path, file);
            file.Dispose();
        }
        throw Busy(folder);
    }

    public void Dispose()
    {
        try
        {
            if (OperatingSystem.IsWindows())
                _file.Dispose();
            File.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A file that is not locked holds nobody up.
        }
        _file.Dispose();
    }

    private static FileStream Open(string folder, string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
        }
        catch (IOException e) when (s_busy.Contains(e.HResult))
        {
            throw Busy(folder);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{folder}: cannot be written: {e.Message}", e);
        }
    }

    private static FileIdentity OfHandle(FileStream file) =>
        FileIdentity.Of(string.Create(CultureInfo.InvariantCulture, $"{(OperatingSystem.IsMacOS() ? "/dev/fd" : "/proc/self/fd")}/{file.SafeFileHandle.DangerousGetHandle()}"));

    private static IOException Busy(string folder) => new($"{folder}: another run is writing this folder: wait for its end, or give another folder");
}
