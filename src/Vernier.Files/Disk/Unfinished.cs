using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Vernier.Files.Disk;

/// <summary>Names of files and folders that are being written: NAME.PID-GUID.tmp beside NAME. What a process that is gone left under such a name is found and
/// removed by the next that writes NAME; what a living one writes is left alone.</summary>
internal static partial class Unfinished
{
    /// <summary>In a folder that is being written; its lock goes with the process.</summary>
    internal const string FolderLock = ".writing";

    private static readonly TimeSpan ClockDoubt = TimeSpan.FromSeconds(2);

    /// <summary>A new name beside <paramref name="path"/>.</summary>
    internal static string NameFor(string path)
    {
        var name = $"{path}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        OpenTemporaries.Add(name);
        return name;
    }

    /// <summary>A path as messages show it: by the names that files and folders will have.</summary>
    internal static string Finished(string path) => Part().Replace(path, "");

    /// <summary>The name is in use no longer.</summary>
    internal static void Forget(string name) => OpenTemporaries.Remove(name);

    /// <summary>Removes a folder that stands under its name to the end or not at all: a kill while its files go leaves no half of it there.</summary>
    /// <exception cref="IOException">It cannot be removed.</exception>
    public static void Delete(string folder)
    {
        var name = NameFor(Path.GetFullPath(folder));
        try
        {
            Directory.Move(folder, name);
            Directory.Delete(name, recursive: true);
        }
        finally
        {
            Forget(name);
        }
    }

    /// <summary>Removes what processes that are gone left of <paramref name="path"/>.</summary>
    public static void RemoveLeftovers(string path)
    {
        var full = Path.GetFullPath(path);
        if (Path.GetDirectoryName(full) is { } folder)
            RemoveLeftoversIn(folder, name => name == Path.GetFileName(full));
    }

    /// <summary>Removes what processes that are gone left in a folder.</summary>
    /// <param name="isOurs">Says of a finished name whether its unfinished files may be removed.</param>
    public static void RemoveLeftoversIn(string folder, Func<string, bool> isOurs)
    {
        ArgumentNullException.ThrowIfNull(isOurs);
        if (!Directory.Exists(folder))
            return;
        try
        {
            foreach (var path in Directory.EnumerateFileSystemEntries(folder, "*.tmp"))
                if (Pattern().Match(Path.GetFileName(path)) is { Success: true } match && isOurs(match.Groups["name"].Value) && IsLeftover(path, match.Groups["pid"].Value))
                    Remove(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What cannot be removed now is removed another time; nothing depends on it.
        }
    }

    private static bool IsLeftover(string path, string pid)
    {
        if (OpenTemporaries.Contains(path) || IsLocked(Directory.Exists(path) ? Path.Combine(path, FolderLock) : path))
            return false;
        if (!int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id == Environment.ProcessId)
            return true;
        try
        {
            using var process = Process.GetProcessById(id);
            return process.StartTime > File.GetLastWriteTime(path) + ClockDoubt; // another process has the number by now
        }
        catch (ArgumentException)
        {
            return true; // no such process
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException or NotSupportedException)
        {
            return false; // it may not be looked at, so it lives
        }
    }

    /// <summary>Whoever writes holds the file's lock, also where process numbers cannot be seen.</summary>
    private static bool IsLocked(string path)
    {
        try
        {
            if (File.Exists(path))
                new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private static void Remove(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        else
            File.Delete(path);
    }

    [GeneratedRegex(@"^(?<name>.+)\.(?<pid>[0-9]{1,10})-[0-9a-f]{32}\.tmp$", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Pattern();

    [GeneratedRegex(@"\.[0-9]{1,10}-[0-9a-f]{32}\.tmp(?=$|[/\\'])", RegexOptions.CultureInvariant)]
    private static partial Regex Part();
}
