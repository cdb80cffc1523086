using System.Collections.Concurrent;

namespace Vernier.Files.Disk;

/// <summary>Files and folders that are being written beside their targets. A process that ends at once (a second Ctrl-C) removes them on its way out;
/// one that is killed cannot.</summary>
internal static class OpenTemporaries
{
    private static readonly ConcurrentDictionary<string, byte> s_paths = new(StringComparer.Ordinal);

    static OpenTemporaries() => AppDomain.CurrentDomain.ProcessExit += (_, _) => RemoveAll();

    public static void Add(string path) => s_paths[path] = 0;

    /// <summary>This process is writing it.</summary>
    public static bool Contains(string path) => s_paths.ContainsKey(path);

    /// <summary>The file was renamed or deleted.</summary>
    public static void Remove(string path) => s_paths.TryRemove(path, out _);

    private static void RemoveAll()
    {
        foreach (var path in s_paths.Keys)
            try
            {
                if (Directory.Exists(path))
                    Directory.Delete(path, recursive: true);
                else
                    File.Delete(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The process ends either way.
            }
    }
}
