using System.Text;
using Vernier.Tokens;

namespace Vernier.Tests.Evaluation;

/// <summary>The simplest tokenizer: ids are bytes; 256 is BOS.</summary>
internal sealed class ByteTokenizer : ITokenizer
{
    public int VocabularySize => 257;

    public int? BosId { get; init; } = 256;

    public int? EosId { get; init; }

    public bool AddsBos { get; init; }

    public int[] Encode(string text, bool parseSpecial = true) => [.. Encoding.UTF8.GetBytes(text).Select(b => (int)b)];

    public string Decode(IEnumerable<int> ids) => Encoding.UTF8.GetString([.. ids.Select(id => (byte)id)]);

    public string Piece(int id) => $"<{id}>";

    public byte[] TokenBytes(int id) => [(byte)id];

    public int? Find(string piece) => null;
}
