using System.Text;

namespace Vernier.Tokens;

/// <summary>Reads a .tiktoken file: a line a token, its bytes in base64 and its rank, which is its id.</summary>
internal static class TiktokenReader
{
    private const string EndOfText = "<|endoftext|>";

    public static BytePairTokenizer Read(string path)
    {
        var (pre, endOfText) = Path.GetFileNameWithoutExtension(path) switch
        {
            "gpt2" or "r50k_base" => (PreTokenization.Gpt2, 50256),
            "cl100k_base" => (PreTokenization.Llama3, 100257),
            var name => throw new NotSupportedException(
                $"{path}: a .tiktoken file does not say how text is cut; known by their names are gpt2, r50k_base and cl100k_base, not \"{name}\""),
        };
        var entries = new List<(string Piece, int Id)>();
        foreach (var line in File.ReadLines(path))
            if (line.Length > 0)
                entries.Add(Entry(path, line, entries.Count + 1));
        entries.Add((EndOfText, endOfText));
        var pieces = TokenizerJson.Place(path, entries);
        var vocabulary = new Vocabulary(pieces);
        return new BytePairTokenizer(new BytePairDefinition(
            path, vocabulary, Merges(vocabulary), pre, [new SpecialToken(EndOfText, endOfText, IsControl: true)])
        {
            BosId = endOfText,
            EosId = endOfText,
            IgnoresMerges = true,
        });
    }

    private static (string Piece, int Id) Entry(string path, string line, int number)
    {
        var space = line.IndexOf(' ');
        var bytes = new byte[line.Length];
        if (space <= 0 || !Convert.TryFromBase64String(line[..space], bytes, out var count) || !int.TryParse(line.AsSpan(space + 1), out var id) || id < 0)
            throw new InvalidDataException($"{path}: line {number} is \"{line}\", expected base64, a space and a rank");
        var piece = new StringBuilder(count);
        foreach (var value in bytes.AsSpan(0, count))
            piece.Append(ByteAlphabet.ToChar(value));
        return (piece.ToString(), id);
    }

    /// <summary>The file leaves the merges out: what a token is made of is what the merges before it make of its bytes.</summary>
    private static PieceMerge[] Merges(Vocabulary vocabulary)
    {
        var merges = new List<PieceMerge>();
        var table = new MergeTable(vocabulary.Count);
        var merger = new Merger(table);
        for (var id = 0; id < vocabulary.Count; id++)
        {
            var piece = vocabulary[id];
            if (piece.Length is < 2 or > 512)
                continue;
            var symbols = piece.Select(c => vocabulary.Find(c.ToString()) ?? -1).ToArray();
            if (merger.Merge(symbols) != 2 || symbols[0] < 0 || symbols[1] < 0)
                continue;
            table.Add(symbols[0], symbols[1], id, id);
            merges.Add(new PieceMerge(symbols[0], symbols[1], id));
        }
        return [.. merges];
    }
}
