namespace Vernier.Tokens;

/// <summary>
/// The ids of pieces seen lately. Every piece has one slot it can be in (the newer one wins), so memory and the
/// cost of a lookup are constant whatever the text is.
/// </summary>
internal sealed class PieceCache
{
    public const int LongestPiece = 24;
    private const int MostIds = 6;
    private const int Slots = 1 << 14;

    private readonly char[] _pieces = new char[Slots * LongestPiece];
    private readonly int[] _ids = new int[Slots * MostIds];
    private readonly byte[] _lengths = new byte[Slots];
    private readonly byte[] _counts = new byte[Slots];

    public static int SlotOf(ReadOnlySpan<char> piece)
    {
        ulong hash = (uint)piece.Length;
        foreach (var c in piece)
            hash = (hash ^ c) * 0x9E3779B97F4A7C15;
        return (int)((hash ^ (hash >> 29)) * 0x9E3779B97F4A7C15 >> 50);
    }

    public bool TryGet(int slot, ReadOnlySpan<char> piece, IdBuffer ids)
    {
        if (_lengths[slot] != piece.Length || !piece.SequenceEqual(_pieces.AsSpan(slot * LongestPiece, piece.Length)))
            return false;
        ids.Add(_ids.AsSpan(slot * MostIds, _counts[slot]));
        return true;
    }

    public void Put(int slot, ReadOnlySpan<char> piece, ReadOnlySpan<int> ids)
    {
        if (ids.Length > MostIds)
            return;
        piece.CopyTo(_pieces.AsSpan(slot * LongestPiece));
        ids.CopyTo(_ids.AsSpan(slot * MostIds));
        _lengths[slot] = (byte)piece.Length;
        _counts[slot] = (byte)ids.Length;
    }
}
