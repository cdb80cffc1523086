using System.Text;
using System.Text.RegularExpressions;
using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

/// <summary>A tokenizer whose ids are characters, but for the marks of chat templates: those are special tokens.</summary>
internal sealed partial class MarkedTokenizer : ITokenizer
{
    private const int FirstMark = 0x10000;

    private readonly List<string> _marks = ["<s>", "</s>"];

    public int VocabularySize => FirstMark + 64;

    public int? BosId => FirstMark;

    public int? EosId => FirstMark + 1;

    public bool AddsBos { get; init; }

    public int[] Encode(string text, bool parseSpecial = true)
    {
        var ids = new List<int>();
        var at = 0;
        foreach (Match mark in Mark().Matches(text))
        {
            ids.AddRange(text[at..mark.Index].Select(c => (int)c));
            if (!_marks.Contains(mark.Value))
                _marks.Add(mark.Value);
            ids.Add(FirstMark + _marks.IndexOf(mark.Value));
            at = mark.Index + mark.Length;
        }
        return [.. ids, .. text[at..].Select(c => (int)c)];
    }

    public string Decode(IEnumerable<int> ids) => string.Concat(ids.Select(Piece));

    public string Piece(int id) => IsSpecial(id) ? _marks[id - FirstMark] : ((char)id).ToString();

    public byte[] TokenBytes(int id) => Encoding.UTF8.GetBytes(Piece(id));

    public int? Find(string piece) => _marks.IndexOf(piece) is >= 0 and var mark ? FirstMark + mark : null;

    public bool IsSpecial(int id) => id >= FirstMark;

    [GeneratedRegex(@"<\|[a-z_]+\|>|</?s>|\[/?[A-Z_]+\]")]
    private static partial Regex Mark();
}
