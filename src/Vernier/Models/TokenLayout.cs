namespace Vernier.Models;

/// <summary>Where each token of a pass stands: bounds of the sequences and position of every token in its own sequence.
/// With a cache there is one sequence, whose first tokens lie in the cache.</summary>
internal sealed class TokenLayout
{
    private int[] _positions = [];
    private readonly int[] _single = new int[2];
    private int[] _starts = [];

    public int Tokens { get; private set; }

    /// <summary>[sequences + 1].</summary>
    public ReadOnlySpan<int> Starts => _starts;

    /// <summary>[tokens].</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, Tokens);

    public KvCache? Cache { get; private set; }

    /// <summary>Largest position + 1.</summary>
    public int Extent { get; private set; }

    public void Set(TokenBatch batch)
    {
        Cache = null;
        Tokens = batch.Tokens;
        Reserve();
        _starts = batch.Starts;
        Extent = 0;
        for (var s = 0; s < batch.Sequences; s++)
        {
            for (var t = batch.Starts[s]; t < batch.Starts[s + 1]; t++)
                _positions[t] = t - batch.Starts[s];
            Extent = Math.Max(Extent, batch.Starts[s + 1] - batch.Starts[s]);
        }
    }

    public void Set(int tokens, KvCache cache)
    {
        Cache = cache;
        Tokens = tokens;
        Reserve();
        _single[1] = tokens;
        _starts = _single;
        for (var t = 0; t < tokens; t++)
            _positions[t] = cache.Length + t;
        Extent = cache.Length + tokens;
    }

    private void Reserve()
    {
        if (_positions.Length < Tokens)
            _positions = new int[Tokens];
    }
}
