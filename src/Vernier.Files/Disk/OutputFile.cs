using System.Text;
using Vernier.Kernels;

namespace Vernier.Files.Disk;

/// <summary>Writes whole files: the name holds the old content or the whole new one. Standard output, devices and pipes are written as they come.</summary>
internal static class OutputFile
{
    /// <summary>The text that stands for standard output.</summary>
    public const string StandardOutput = "-";

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Puts a text in place, UTF-8 without a byte order mark.</summary>
    /// <exception cref="IOException">The disk is full or fails; the old content stays.</exception>
    public static void WriteAllText(string path, string text) => WriteAllBytes(path, s_utf8.GetBytes(text));

    /// <summary>Puts bytes in place.</summary>
    /// <inheritdoc cref="WriteAllText"/>
    public static void WriteAllBytes(string path, ReadOnlySpan<byte> bytes)
    {
        using var file = new ReplacingFile(path);
        file.Write(bytes);
        file.Commit();
    }

    /// <summary>Nothing is lost by writing there: standard output, a device, a pipe.</summary>
    public static bool IsStream(string path) => path == StandardOutput || StandardOf(path) != 0 || FileIdentity.Of(path).Kind == FileKind.Special;

    /// <summary>Opens what is no regular file; null for all that is a file or can become one.</summary>
    internal static Stream? OpenStream(string path) => StandardOf(path) switch
    {
        1 => Console.OpenStandardOutput(),
        2 => Console.OpenStandardError(),
        _ => FileIdentity.Of(path).Kind == FileKind.Special ? new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite) : null,
    };

    /// <summary>1 or 2 where the path is a name of this process's standard output or error. Opened by that name, a file that the shell sends them to would be written from its start.</summary>
    private static int StandardOf(string path) => path switch
    {
        "/dev/stdout" or "/dev/fd/1" or "/proc/self/fd/1" => 1,
        "/dev/stderr" or "/dev/fd/2" or "/proc/self/fd/2" => 2,
        _ => 0,
    };
}
