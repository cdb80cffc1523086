using System.Buffers.Binary;
using System.Text;
using Vernier.Files.Disk;

namespace Vernier.Tokens;

/// <summary>
/// Reads llama2.c's tokenizer.bin: (1) the length of the longest piece, int32; then for each piece (2) its score, float32;
/// (3) its length in bytes, int32; (4) its UTF-8 bytes, with plain spaces.
/// </summary>
internal static class Llama2cTokenizerReader
{
    private const int MostBytes = 64 << 20;

    public static SentencePieceTokenizer Read(string path, TokenizerConfig config)
    {
        var length = new FileInfo(path).Length;
        if (length is < 4 or > MostBytes)
            throw new InvalidDataException($"{path}: {length} bytes, expected 4 to {MostBytes}");
        var bytes = InputFile.ReadAllBytes(path);
        var pieces = new List<string>();
        var scores = new List<float>();
        for (var at = 4; at < bytes.Length;)
        {
            var size = bytes.Length - at >= 8 ? BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 4)) : -1;
            if (size < 0 || size > bytes.Length - at - 8)
                throw new InvalidDataException($"{path}: piece {pieces.Count} at byte {at}: a length of {size}, expected 0 to {bytes.Length - at - 8}");
            scores.Add(BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(at)));
            pieces.Add(Encoding.UTF8.GetString(bytes, at + 8, size));
            at += 8 + size;
        }
        var spelled = pieces.Select((piece, id) => Spelling(piece, id)).ToArray();
        var kinds = spelled.Select((piece, id) => Kind(piece, id)).ToArray();
        var vocabulary = new Vocabulary(spelled, kinds);
        return new SentencePieceTokenizer(new SentencePieceDefinition(path, vocabulary, vocabulary.SpecialTokens())
        {
            Scores = scores,
            BosId = vocabulary.Find("<s>"),
            EosId = vocabulary.Find("</s>"),
            UnknownId = vocabulary.Find("<unk>"),
            AddsBos = config.AddsBos ?? true,
        });
    }

    /// <summary>The export writes BOS and EOS with line ends around them.</summary>
    private static string Spelling(string piece, int id) => id is 1 or 2 ? piece.Trim('\n') : piece.Replace(' ', SentencePieceTokenizer.Space);

    private static TokenKind Kind(string piece, int id) => (id, piece) switch
    {
        (0, "<unk>") => TokenKind.Unknown,
        (1, "<s>") or (2, "</s>") => TokenKind.Control,
        _ => SentencePieceTokenizer.ByteOf(piece) is null ? TokenKind.Normal : TokenKind.Byte,
    };
}
