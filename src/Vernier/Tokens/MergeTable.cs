namespace Vernier.Tokens;

/// <summary>The merges of a BPE vocabulary: a pair of symbols to its rank (lower goes first) and to the symbol it becomes. An open-addressed table, read without a lock.</summary>
internal sealed class MergeTable
{
    private readonly Slot[] _slots;
    private readonly int _shift;

    public MergeTable(int count)
    {
        var bits = 4;
        while (1L << bits < 2L * count)
            bits++;
        _shift = 64 - bits;
        _slots = new Slot[1 << bits];
    }

    public int Count { get; private set; }

    /// <summary>Adds a merge; a pair that is there keeps the rank it has.</summary>
    public void Add(int left, int right, int rank, int merged)
    {
        var key = Key(left, right);
        var at = First(key);
        while (_slots[at].Key != 0)
        {
            if (_slots[at].Key == key)
                return;
            at = (at + 1) & (_slots.Length - 1);
        }
        _slots[at] = new Slot { Key = key, Rank = rank, Merged = merged };
        Count++;
    }

    /// <summary>The rank of a pair, or <see cref="int.MaxValue"/> where the pair does not merge.</summary>
    public int Find(int left, int right, out int merged)
    {
        if ((left | right) >= 0)
        {
            var key = Key(left, right);
            for (var at = First(key); _slots[at].Key != 0; at = (at + 1) & (_slots.Length - 1))
                if (_slots[at].Key == key)
                {
                    merged = _slots[at].Merged;
                    return _slots[at].Rank;
                }
        }
        merged = -1;
        return int.MaxValue;
    }

    // Never 0, which marks a free slot.
    private static long Key(int left, int right) => (((long)left << 32) | (uint)right) + 1;

    private int First(long key) => (int)((ulong)(key * unchecked((long)0x9E3779B97F4A7C15)) >> _shift);

    private struct Slot
    {
        public long Key;
        public int Rank, Merged;
    }
}
