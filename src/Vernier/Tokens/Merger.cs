namespace Vernier.Tokens;

/// <summary>Applies merges to a run of symbols: the lowest rank first, the leftmost of equals. Holds scratch memory, so one thread at a time.</summary>
internal sealed class Merger(MergeTable merges)
{
    /// <summary>Up to this many symbols a plain scan for the least rank beats a queue.</summary>
    private const int ScanLimit = 40;

    private readonly int[] _ranks = new int[ScanLimit];
    private readonly int[] _merged = new int[ScanLimit];
    private readonly PriorityQueue<(int Left, int LeftSymbol, int RightSymbol, int Merged), long> _queue = new();
    private int[] _next = [];
    private int[] _previous = [];

    /// <summary>Merges in place and returns how many symbols are left. A negative symbol never merges.</summary>
    public int Merge(Span<int> symbols) =>
        symbols.Length < 2 ? symbols.Length : symbols.Length <= ScanLimit ? Scan(symbols) : Queue(symbols);

    private int Scan(Span<int> symbols)
    {
        var count = symbols.Length;
        for (var i = 0; i < count - 1; i++)
            _ranks[i] = merges.Find(symbols[i], symbols[i + 1], out _merged[i]);
        while (count > 1)
        {
            var best = 0;
            for (var i = 1; i < count - 1; i++)
                if (_ranks[i] < _ranks[best])
                    best = i;
            if (_ranks[best] == int.MaxValue)
                break;
            symbols[best] = _merged[best];
            count--;
            for (var i = best + 1; i < count; i++)
                symbols[i] = symbols[i + 1];
            for (var i = best + 1; i < count - 1; i++)
                (_ranks[i], _merged[i]) = (_ranks[i + 1], _merged[i + 1]);
            if (best > 0)
                _ranks[best - 1] = merges.Find(symbols[best - 1], symbols[best], out _merged[best - 1]);
            if (best < count - 1)
                _ranks[best] = merges.Find(symbols[best], symbols[best + 1], out _merged[best]);
        }
        return count;
    }

    private int Queue(Span<int> symbols)
    {
        var count = symbols.Length;
        if (_next.Length < count)
            (_next, _previous) = (new int[count + count / 2], new int[count + count / 2]);
        _queue.Clear();
        for (var i = 0; i < count; i++)
            (_next[i], _previous[i]) = (i + 1, i - 1);
        for (var i = 0; i + 1 < count; i++)
            Propose(symbols, i, count);
        const int gone = int.MinValue;
        while (_queue.TryDequeue(out var pair, out _))
        {
            var left = pair.Left;
            var right = _next[left];
            // A proposal is stale once one of its two symbols has merged elsewhere.
            if (symbols[left] != pair.LeftSymbol || right >= count || symbols[right] != pair.RightSymbol)
                continue;
            symbols[left] = pair.Merged;
            symbols[right] = gone;
            _next[left] = _next[right];
            if (_next[right] < count)
                _previous[_next[right]] = left;
            if (_previous[left] >= 0)
                Propose(symbols, _previous[left], count);
            Propose(symbols, left, count);
        }
        var kept = 0;
        for (var i = 0; i < count; i = _next[i])
            symbols[kept++] = symbols[i];
        return kept;
    }

    private void Propose(Span<int> symbols, int left, int count)
    {
        var right = _next[left];
        if (right >= count)
            return;
        var rank = merges.Find(symbols[left], symbols[right], out var merged);
        if (rank != int.MaxValue)
            _queue.Enqueue((left, symbols[left], symbols[right], merged), ((long)rank << 32) | (uint)left);
    }
}
