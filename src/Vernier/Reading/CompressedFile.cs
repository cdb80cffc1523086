using System.IO.Compression;
using Vernier.Files.Disk;
using ZstdSharp;

namespace Vernier.Reading;

/// <summary>Data files that are packed whole: <c>NAME.gz</c> and <c>NAME.zst</c> are read as NAME is. What grows beyond all measure of text is refused
/// while it grows, so that a small file cannot fill the memory.</summary>
internal static class CompressedFile
{
    /// <summary>Text that people pack shrinks to a third or a tenth; beyond this it was made to fill a disk.</summary>
    internal const int MaxGrowth = 100;

    /// <summary>Short files may grow more: a few equal lines.</summary>
    internal const long FreeBytes = 1 << 26;

    private const string Gzip = ".gz";
    private const string Zstandard = ".zst";

    // without it the runtime takes a gzip file that breaks off for one that ends there
    static CompressedFile() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

    /// <summary>The ending that says what a data file holds, in lower case: that of NAME for <c>NAME.gz</c>.</summary>
    public static string InnerExtension(string path) => Path.GetExtension(IsCompressed(path) ? Path.GetFileNameWithoutExtension(path) : path).ToLowerInvariant();

    /// <summary>The name says that the file is packed.</summary>
    public static bool IsCompressed(string path) => Path.GetExtension(path).ToLowerInvariant() is Gzip or Zstandard;

    /// <summary>The unpacked bytes of a packed file, or those of another file as they are.</summary>
    /// <param name="file">The open file; it is closed with the result.</param>
    /// <returns>A stream whose failures name the file.</returns>
    public static Stream Unpack(string path, FileStream file) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        Gzip => new Guarded(path, "gzip", file, new GZipStream(file, CompressionMode.Decompress)),
        Zstandard => new Guarded(path, "zstd", file, new DecompressionStream(file, leaveOpen: false)),
        _ => file,
    };

    private sealed class Guarded(string path, string format, FileStream file, Stream unpacked) : ForwardStream(unpacked)
    {
        private readonly Stream _unpacked = unpacked;
        private readonly long _most = FreeBytes + MaxGrowth * file.Length;

        protected override int ReadNext(Span<byte> buffer)
        {
            int read;
            try
            {
                read = _unpacked.Read(buffer);
            }
            catch (Exception e) when (e is InvalidDataException or ZstdException or EndOfStreamException)
            {
                throw Damaged.File(path, $"after {BytesRead} unpacked bytes", $"what is not {format} ({e.Message})", $"{format} to the end", e);
            }
            return BytesRead + read <= _most ? read : throw Damaged.File(path, "unpacked content", $"more than {_most} bytes from a file of {file.Length}", $"at most {MaxGrowth} times the file and {FreeBytes} bytes");
        }
    }
}
