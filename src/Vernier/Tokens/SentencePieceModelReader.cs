using Vernier.Files.Disk;

namespace Vernier.Tokens;

/// <summary>
/// Reads SentencePiece's tokenizer.model, a protocol buffer: field 1 (repeated) a piece {1 text, 2 score, 3 kind};
/// field 2 the trainer's settings {3 model type, 40..42 ids of unknown, BOS, EOS}; field 3 the normalizer's
/// {1 name, 2 character map, 3 prefix space, 4 removes extra spaces}.
/// </summary>
internal static class SentencePieceModelReader
{
    private const int MostBytes = 64 << 20;
    private const int Unigram = 1;
    private const int BytePair = 2;

    public static SentencePieceTokenizer Read(string path, TokenizerConfig config)
    {
        var length = new FileInfo(path).Length;
        if (length > MostBytes)
            throw new InvalidDataException($"{path}: {length} bytes, expected at most {MostBytes}");
        var model = new Model();
        var fields = new ProtobufFields(InputFile.ReadAllBytes(path), path);
        while (fields.Next())
            if (fields is { Number: 1, IsBytes: true })
                ReadPiece(fields.Nested(), model);
            else if (fields is { Number: 2, IsBytes: true })
                ReadTrainer(fields.Nested(), model);
            else if (fields is { Number: 3, IsBytes: true })
                ReadNormalizer(fields.Nested(), model);
        return Build(path, model, config);
    }

    private static SentencePieceTokenizer Build(string path, Model model, TokenizerConfig config)
    {
        if (model.Pieces.Count == 0)
            throw new InvalidDataException($"{path}: no pieces, expected a SentencePiece model");
        if (model.Type is not (Unigram or BytePair))
            throw new NotSupportedException($"{path}: SentencePiece model type {model.Type}; known are 1 (unigram) and 2 (BPE)");
        if (model.HasCharacterMap)
            throw new NotSupportedException($"{path}: normalizes text by \"{model.NormalizerName}\"; only \"identity\" is done here");
        var vocabulary = new Vocabulary([.. model.Pieces], [.. model.Kinds]);
        return new SentencePieceTokenizer(new SentencePieceDefinition(path, vocabulary, vocabulary.SpecialTokens())
        {
            Scores = model.Scores,
            IsUnigram = model.Type == Unigram,
            Prefix = model.AddsPrefix ? PrefixSpace.Always : PrefixSpace.Never,
            RemovesExtraSpaces = model.RemovesExtraSpaces,
            BosId = IdOf(model.BosId, vocabulary),
            EosId = IdOf(model.EosId, vocabulary),
            UnknownId = IdOf(model.UnknownId, vocabulary),
            AddsBos = config.AddsBos ?? true,
        });
    }

    private static int? IdOf(int id, Vocabulary vocabulary) => (uint)id < (uint)vocabulary.Count ? id : null;

    private static void ReadPiece(ProtobufFields fields, Model model)
    {
        var (text, score, kind) = ("", 0f, TokenKind.Normal);
        while (fields.Next())
            (text, score, kind) = fields switch
            {
                { Number: 1, IsBytes: true } => (fields.Text(), score, kind),
                { Number: 2, IsFixed32: true } => (text, fields.Float(), kind),
                { Number: 3, IsVarint: true } => (text, score, fields.Varint is >= 1 and <= 6
                    ? (TokenKind)fields.Varint
                    : throw new InvalidDataException($"{fields.Path}: piece {model.Pieces.Count} is of kind {fields.Varint}, expected 1 to 6")),
                _ => (text, score, kind),
            };
        model.Pieces.Add(text);
        model.Scores.Add(score);
        model.Kinds.Add(kind);
    }

    private static void ReadTrainer(ProtobufFields fields, Model model)
    {
        while (fields.Next())
        {
            if (!fields.IsVarint)
                continue;
            var value = unchecked((int)fields.Varint);
            switch (fields.Number)
            {
                case 3: model.Type = value; break;
                case 40: model.UnknownId = value; break;
                case 41: model.BosId = value; break;
                case 42: model.EosId = value; break;
            }
        }
    }

    private static void ReadNormalizer(ProtobufFields fields, Model model)
    {
        while (fields.Next())
            switch (fields)
            {
                case { Number: 1, IsBytes: true }: model.NormalizerName = fields.Text(); break;
                case { Number: 2, IsBytes: true }: model.HasCharacterMap = fields.Bytes.Length > 0; break;
                case { Number: 3, IsVarint: true }: model.AddsPrefix = fields.Varint != 0; break;
                case { Number: 4, IsVarint: true }: model.RemovesExtraSpaces = fields.Varint != 0; break;
            }
    }

    /// <summary>The settings with SentencePiece's defaults.</summary>
    private sealed class Model
    {
        public List<string> Pieces { get; } = [];

        public List<float> Scores { get; } = [];

        public List<TokenKind> Kinds { get; } = [];

        public int Type { get; set; } = Unigram;

        public int UnknownId { get; set; }

        public int BosId { get; set; } = 1;

        public int EosId { get; set; } = 2;

        public string NormalizerName { get; set; } = "";

        public bool HasCharacterMap { get; set; }

        public bool AddsPrefix { get; set; } = true;

        public bool RemovesExtraSpaces { get; set; } = true;
    }
}
