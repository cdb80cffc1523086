namespace Vernier.Tokens;

/// <summary>The merges of a BPE vocabulary: a pair of symbols to its rank (lower goes first) and to the symbol it becomes. An open-addressed table, read without a lock.</summary>
internal sealed class MergeTable
{
    private const long Empty = -1;
    private readonly long[] _pairs;
    private readonly (int Rank, int Merged)[] _values;
    private readonly int _shift;

    public MergeTable(int count)
    {
        var bits = 4;
        while (1L << bits < 2L * count)
            bits++;
        _shift = 64 - bits;
        _pairs = new long[1 << bits];
        _values = new (int, int)[1 << bits];
        Array.Fill(_pairs, Empty);
    }

    public int Count { get; private set; }

    /// <summary>Adds a merge; a pair that is there keeps the rank it has.</summary>
    public void Add(int left, int right, int rank, int merged)
    {
        var pair = Pair(left, right);
        var slot = Slot(pair);
        while (_pairs[slot] != Empty)
        {
            if (_pairs[slot] == pair)
                return;
            slot = (slot + 1) & (_pairs.Length - 1);
        }
        _pairs[slot] = pair;
        _values[slot] = (rank, merged);
        Count++;
    }

    /// <summary>The rank of a pair, or <see cref="int.MaxValue"/> where the pair does not merge.</summary>
    public int Find(int left, int right, out int merged)
    {
        if ((left | right) >= 0)
        {
            var pair = Pair(left, right);
            for (var slot = Slot(pair); _pairs[slot] != Empty; slot = (slot + 1) & (_pairs.Length - 1))
                if (_pairs[slot] == pair)
                {
                    merged = _values[slot].Merged;
                    return _values[slot].Rank;
                }
        }
        merged = -1;
        return int.MaxValue;
    }

    private static long Pair(int left, int right) => ((long)left << 32) | (uint)right;

    private int Slot(long pair) => (int)((ulong)(pair * unchecked((long)0x9E3779B97F4A7C15)) >> _shift);
}
