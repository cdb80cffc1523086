using System.Text;

namespace Vernier.Evaluation;

/// <summary>Reads text files strictly: no byte is replaced or dropped unseen.</summary>
internal static class TextFile
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The whole file, byte for byte (a byte order mark stays).</summary>
    /// <exception cref="InvalidDataException">The file is empty, binary or not UTF-8.</exception>
    public static string Read(string path)
    {
        var bytes = File.ReadAllBytes(path);
        if (bytes.Length == 0)
            throw new InvalidDataException($"{path}: the file is empty");
        if (bytes.AsSpan().IndexOf((byte)0) is >= 0 and var zero)
            throw new InvalidDataException($"{path}: byte {zero} is 0, so this is no text file");
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"{path}: not UTF-8 text at byte {e.Index}", e);
        }
    }

    /// <summary>The lines of a text, split at LF, without the empty rest after a final LF.</summary>
    public static string[] Lines(string text)
    {
        var lines = text.Split('\n');
        return lines[^1].Length == 0 ? lines[..^1] : lines;
    }
}
