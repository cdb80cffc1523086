using Vernier.Kernels;

namespace Vernier.Files.Disk;

/// <summary>Reads whole files that come from strangers: only regular files, and only up to a size that is known beforehand. A device or a pipe has no end,
/// and opening it may wait for ever.</summary>
internal static class InputFile
{
    /// <summary>More than any configuration that people write has; settings are refused above it.</summary>
    public const long MaxSettingsBytes = 1 << 26;

    /// <summary>Refuses what is not a regular file.</summary>
    /// <returns>The file's length.</returns>
    /// <exception cref="FileNotFoundException">There is nothing.</exception>
    /// <exception cref="InvalidDataException">A folder, device, pipe or socket, or longer than <paramref name="maxBytes"/>.</exception>
    public static long Require(string path, long maxBytes = long.MaxValue)
    {
        var kind = FileIdentity.Of(path).Kind;
        if (kind == FileKind.Missing)
            throw new FileNotFoundException($"{path}: no such file or folder", path);
        if (kind == FileKind.Folder)
            throw new InvalidDataException($"{path}: is a folder, expected a file");
        if (kind != FileKind.Regular)
            throw Damaged.File(path, "file", "a device, pipe or socket", "a regular file");
        var length = new FileInfo(path).Length;
        return length <= maxBytes ? length : throw Damaged.File(path, "file", $"{length} bytes", $"at most {maxBytes}");
    }

    /// <summary>Opens a regular file for reading.</summary>
    /// <inheritdoc cref="Require"/>
    public static FileStream OpenRead(string path, long maxBytes = long.MaxValue)
    {
        Require(path, maxBytes);
        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
    }

    /// <summary>All bytes of a regular file.</summary>
    /// <inheritdoc cref="Require"/>
    public static byte[] ReadAllBytes(string path, long maxBytes = MaxSettingsBytes)
    {
        Require(path, Math.Min(maxBytes, Array.MaxLength));
        return File.ReadAllBytes(path);
    }

    /// <summary>The text of a regular file, by its byte order mark or UTF-8.</summary>
    /// <inheritdoc cref="Require"/>
    public static string ReadAllText(string path, long maxBytes = MaxSettingsBytes)
    {
        Require(path, maxBytes);
        return File.ReadAllText(path);
    }
}
