using System.Buffers.Text;

namespace Vernier.Tokens;

/// <summary>
/// Reads a file of tiktoken: a line a token, its bytes in base64 and its rank, which is its id. The file does not say how text is
/// cut or which tokens are special; that is known by how many ids it has and where, or else by the file's name.
/// </summary>
internal static class TiktokenReader
{
    private const string EndOfText = "<|endoftext|>";

    private static readonly (string Name, int Entries, int Last, PreTokenization Rules, (string Content, int Id)[] Specials)[] Known =
    [
        ("r50k_base", 50256, 50255, PreTokenization.Gpt2, [(EndOfText, 50256)]),
        ("p50k_base", 50280, 50280, PreTokenization.Gpt2, [(EndOfText, 50256)]),
        ("cl100k_base", 100256, 100255, PreTokenization.Llama3,
            [(EndOfText, 100257), ("<|fim_prefix|>", 100258), ("<|fim_middle|>", 100259), ("<|fim_suffix|>", 100260), ("<|endofprompt|>", 100276)]),
        ("o200k_base", 199998, 199997, PreTokenization.FromGgufName("gpt-4o"), [(EndOfText, 199999), ("<|endofprompt|>", 200018)]),
        ("qwen", 151643, 151642, PreTokenization.Qwen2,
            [(EndOfText, 151643), ("<|im_start|>", 151644), ("<|im_end|>", 151645), .. Enumerable.Range(0, 205).Select(i => ($"<|extra_{i}|>", 151646 + i))]),
        ("llama3", 128000, 127999, PreTokenization.Llama3, Llama3Specials()),
    ];

    private static readonly string[][] Aliases = [["gpt2", "r50k_base"], ["p50k_edit", "p50k_base"], ["o200k_harmony", "o200k_base"]];

    /// <summary>The file is one of tiktoken, whatever its name: its first line is base64, a space and a number.</summary>
    public static bool IsTiktoken(string path)
    {
        Span<byte> bytes = stackalloc byte[64];
        using var file = File.OpenHandle(path);
        var text = bytes[..RandomAccess.Read(file, bytes, 0)];
        var (space, end) = (text.IndexOf((byte)' '), text.IndexOf((byte)'\n'));
        return space > 0 && end > space && Base64.IsValid(text[..space]) && text[(space + 1)..end].TrimEnd((byte)'\r').IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;
    }

    /// <exception cref="InvalidDataException">A line is not a token and its rank.</exception>
    /// <exception cref="NotSupportedException">Neither contents nor name are known.</exception>
    public static BytePairTokenizer Read(string path)
    {
        var entries = new List<(string Piece, int Id)>();
        foreach (var line in TokenizerJson.ReadLines(path))
            if (line.Length > 0)
                entries.Add(Entry(path, line, entries.Count + 1));
        var last = entries.Count == 0 ? -1 : entries.Max(entry => entry.Id);
        var name = Path.GetFileNameWithoutExtension(path);
        name = Array.Find(Aliases, pair => pair[0] == name)?[1] ?? name;
        var known = Array.FindIndex(Known, kind => kind.Entries == entries.Count && kind.Last == last) is >= 0 and var byContents
            ? byContents
            : Array.FindIndex(Known, kind => kind.Name == name);
        if (known < 0)
            throw new NotSupportedException($"{path}: a .tiktoken file does not say how text is cut; one of {entries.Count} tokens up to {last} is not known. "
                + $"Known by their tokens, or by these names, are gpt2, {string.Join(", ", Known.Select(kind => kind.Name))}");
        var (_, _, _, rules, specials) = Known[known];
        entries.AddRange(specials);
        var vocabulary = new Vocabulary(TokenizerJson.Place(path, entries));
        var tokens = specials.Select(token => new SpecialToken(token.Content, token.Id, IsControl: true)).ToList();
        var end = vocabulary.Find(EndOfText) ?? vocabulary.Find("<|end_of_text|>");
        return new BytePairTokenizer(new BytePairDefinition(path, vocabulary, Merges(vocabulary, last), rules, tokens)
        {
            BosId = vocabulary.Find("<|begin_of_text|>") ?? end,
            EosId = end,
            AddsBos = vocabulary.Find("<|begin_of_text|>") is not null,
            IgnoresMerges = true,
            RanksById = true,
        });
    }

    private static (string, int)[] Llama3Specials()
    {
        string[] named = ["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>", "<|finetune_right_pad_id|>",
            "<|step_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>", "<|python_tag|>"];
        return [.. Enumerable.Range(0, 256).Select(i => (i < named.Length ? named[i] : $"<|reserved_special_token_{i - 9}|>", 128000 + i))];
    }

    private static (string Piece, int Id) Entry(string path, string line, int number)
    {
        var space = line.IndexOf(' ');
        var bytes = new byte[line.Length];
        if (space <= 0 || !Convert.TryFromBase64Chars(line.AsSpan(0, space), bytes, out var count) || !int.TryParse(line.AsSpan(space + 1), out var id) || id < 0)
            throw new InvalidDataException($"{path}: line {number} is \"{(line.Length > 200 ? line[..200] + "..." : line)}\", expected base64, a space and a rank");
        return (string.Create(count, bytes, (chars, from) =>
        {
            for (var i = 0; i < chars.Length; i++)
                chars[i] = ByteAlphabet.ToChar(from[i]);
        }), id);
    }

    /// <summary>The file leaves the merges out: any two tokens whose bytes together are a token merge, at that token's rank.</summary>
    private static PieceMerge[] Merges(Vocabulary vocabulary, int last)
    {
        const int longest = 512;
        var merges = new List<PieceMerge>(4 * vocabulary.Count);
        for (var id = 0; id <= last; id++)
        {
            var piece = vocabulary[id].AsSpan();
            if (piece.Length > longest)
                continue;
            for (var cut = 1; cut < piece.Length; cut++)
                if (vocabulary.TryFind(piece[..cut], out var left) && vocabulary.TryFind(piece[cut..], out var right))
                    merges.Add(new PieceMerge(left, right, id));
        }
        return [.. merges];
    }
}
