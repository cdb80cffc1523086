using System.Runtime.ExceptionServices;

namespace Vernier.Tokens;

/// <summary>Stands for a tokenizer that is there but cannot be read, so that work on ids goes on: whatever asks it for text is told why.</summary>
internal sealed class UnreadableTokenizer(Exception reason) : ITokenizer
{
    public Exception Reason => reason;

    public int VocabularySize => Refuse<int>();

    public int? BosId => Refuse<int?>();

    public int? EosId => Refuse<int?>();

    public bool AddsBos => Refuse<bool>();

    public int[] Encode(string text, bool parseSpecial = true) => Refuse<int[]>();

    public string Decode(IEnumerable<int> ids) => Refuse<string>();

    public string Piece(int id) => Refuse<string>();

    public byte[] TokenBytes(int id) => Refuse<byte[]>();

    public int? Find(string piece) => Refuse<int?>();

    public bool IsSpecial(int id) => Refuse<bool>();

    private T Refuse<T>()
    {
        ExceptionDispatchInfo.Throw(reason);
        return default;
    }
}
