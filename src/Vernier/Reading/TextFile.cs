using System.Text;
using Vernier.Files.Disk;

namespace Vernier.Reading;

/// <summary>The one reader of text that users bring: training data, evaluation data, rows to score. UTF-8, a byte order mark at the start is dropped,
/// and no other byte is replaced or left out unseen: what is not UTF-8 text is refused with its place.</summary>
internal static class TextFile
{
    /// <summary>Longer lines are refused: nobody writes them, and a device has no end.</summary>
    internal const int MaxLineBytes = 1 << 28;

    private const int BlockBytes = 1 << 16;

    private static ReadOnlySpan<byte> Mark => "\uFEFF"u8;

    /// <summary>The whole text.</summary>
    /// <exception cref="InvalidDataException">The file is empty, binary or not UTF-8: path and place.</exception>
    public static string Read(string path) => Encoding.UTF8.GetString(ReadBytes(path).Span);

    /// <summary>The bytes of the whole text, checked.</summary>
    /// <inheritdoc cref="Read"/>
    public static ReadOnlyMemory<byte> ReadBytes(string path)
    {
        using var stream = Open(path);
        var (bytes, length) = (new byte[Math.Max(BlockBytes, stream.CanSeek ? Math.Min(stream.Length + 1, Array.MaxLength) : 0)], 0);
        while (true)
        {
            if (length == bytes.Length)
                bytes = Grow(bytes, Array.MaxLength, () => new NotSupportedException($"{path}: data files of up to {Array.MaxLength} bytes are read, split it"));
            var read = stream.Read(bytes, length, Math.Min(bytes.Length - length, 1 << 24));
            if (read == 0)
                break;
            CheckStart(path, bytes.AsSpan(0, length + read), length);
            CheckZero(path, bytes.AsSpan(0, length + read), length, 0, 1);
            length += read;
        }
        ReadOnlyMemory<byte> text = bytes.AsMemory(0, length);
        Check(path, text.Span, 0, 1);
        text = text.Span.StartsWith(Mark) ? text[Mark.Length..] : text;
        return text.IsEmpty ? throw new InvalidDataException($"{path}: is empty, expected text") : text;
    }

    /// <summary>The lines of a file as a stream, split at LF; a CR before it stays. A line's bytes are valid until the next is asked for.</summary>
    /// <exception cref="InvalidDataException">The line that is asked for is binary or not UTF-8: path and place.</exception>
    public static IEnumerable<TextLine> ReadLines(string path)
    {
        using var stream = Open(path);
        var bytes = new byte[BlockBytes];
        int start = 0, length = 0, number = 1;
        long offset = 0; // of bytes[0]
        for (var ended = false; !ended || start < length;)
        {
            var end = bytes.AsSpan(start, length - start).IndexOf((byte)'\n');
            if (end < 0 && !ended)
            {
                offset += start;
                bytes.AsSpan(start, length - start).CopyTo(bytes);
                (start, length) = (0, length - start);
                if (length == bytes.Length)
                    bytes = Grow(bytes, MaxLineBytes, () => new InvalidDataException($"{path}: line {number} has more than {MaxLineBytes} bytes"));
                var read = stream.Read(bytes, length, bytes.Length - length);
                ended = read == 0;
                if (offset == 0)
                    CheckStart(path, bytes.AsSpan(0, length + read), length);
                CheckZero(path, bytes.AsSpan(0, length + read), length, offset, number);
                length += read;
                continue;
            }
            var next = end < 0 ? length : start + end + 1;
            var line = bytes.AsMemory(start, end < 0 ? length - start : end);
            Check(path, line.Span, offset + start, number);
            if (offset + start == 0 && line.Span.StartsWith(Mark))
                line = line[Mark.Length..];
            yield return new TextLine(line, number++);
            start = next;
        }
    }

    /// <summary>The lines of a text, split at LF, without the empty rest after a final LF.</summary>
    public static string[] Lines(string text)
    {
        var lines = text.Split('\n');
        return lines[^1].Length == 0 ? lines[..^1] : lines;
    }

    private static Stream Open(string path)
    {
        InputFile.Require(path);
        return CompressedFile.Unpack(path, new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.SequentialScan));
    }

    private static byte[] Grow(byte[] bytes, int most, Func<Exception> tooLong)
    {
        if (bytes.Length >= most)
            throw tooLong();
        Array.Resize(ref bytes, (int)Math.Min(2L * bytes.Length, most));
        return bytes;
    }

    /// <summary>Names other encodings and binary files by how they begin.</summary>
    /// <param name="checkedBytes">How many of the bytes were there before.</param>
    private static void CheckStart(string path, ReadOnlySpan<byte> bytes, int checkedBytes)
    {
        if (checkedBytes < 4 && Kind(bytes) is { } kind)
            throw new InvalidDataException($"{path}: is {kind}, expected UTF-8 text");
    }

    private static string? Kind(ReadOnlySpan<byte> start) =>
        start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE, 0, 0]) || start.StartsWith((ReadOnlySpan<byte>)[0, 0, 0xFE, 0xFF]) ? "UTF-32 text"
        : start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || start.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]) ? "UTF-16 text"
        : start.Length >= 4 && (start[0] == 0) != (start[1] == 0) && (start[2] == 0) == (start[0] == 0) && (start[3] == 0) == (start[1] == 0) ? "UTF-16 text without a byte order mark"
        : start.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]) ? "a gzip archive (its name does not end in .gz)"
        : start.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]) ? "a zstd archive (its name does not end in .zst)"
        : start.StartsWith("PK\u0003\u0004"u8) ? "a zip archive"
        : start.StartsWith("PAR1"u8) && start.Contains((byte)0) ? "a Parquet file (its name does not end in .parquet)"
        : null;

    private static void CheckZero(string path, ReadOnlySpan<byte> bytes, int from, long offset, int line)
    {
        if (bytes[from..].IndexOf((byte)0) is >= 0 and var zero)
            throw new InvalidDataException($"{path}: found a zero byte at offset {offset + from + zero} (line {line + bytes[..(from + zero)].Count((byte)'\n')}): this is no text file; expected UTF-8 text");
    }

    private static void Check(string path, ReadOnlySpan<byte> bytes, long offset, int line)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            return;
        var at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out var consumed) == System.Buffers.OperationStatus.Done)
            at += consumed;
        throw new InvalidDataException($"{path}: found bytes at offset {offset + at} (line {line + bytes[..at].Count((byte)'\n')}) that are not UTF-8; expected UTF-8 text");
    }
}
