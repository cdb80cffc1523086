namespace Vernier.Models;

/// <summary>Where each token of a pass stands: bounds of the sequences and position of every token in its own sequence.
/// With caches, the first tokens of each sequence lie in its cache.</summary>
internal sealed class TokenLayout
{
    private int[] _positions = [];
    private int[] _ownStarts = new int[2];
    private int[] _starts = [];
    private KvCache[] _caches = [];
    private (TaskBatch? Last, TaskBatch? Before) _tasks; // of batches that had some: two may take turns
    private int _cached;

    public int Tokens { get; private set; }

    public int Sequences => _cached > 0 ? _cached : _starts.Length - 1;

    /// <summary>[sequences + 1].</summary>
    public ReadOnlySpan<int> Starts => _starts;

    /// <summary>[tokens].</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, Tokens);

    /// <summary>One for each sequence; empty where there are none.</summary>
    public ReadOnlySpan<KvCache> Caches => _caches.AsSpan(0, _cached);

    /// <summary>The tokens' tasks; null where no token has one.</summary>
    public TaskBatch? Tasks { get; private set; }

    /// <summary>No backward pass will follow.</summary>
    public bool Inference { get; private set; }

    /// <summary>Largest position + 1.</summary>
    public int Extent { get; private set; }

    public void Set(TokenBatch batch, bool inference)
    {
        (_cached, Tasks) = (0, null);
        Inference = inference;
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

    /// <summary>The next tokens of one sequence.</summary>
    public void Set(int tokens, KvCache cache)
    {
        Append(1, tokens);
        _caches[0] = cache;
        _ownStarts[1] = tokens;
        for (var t = 0; t < tokens; t++)
            _positions[t] = cache.Length + t;
        Extent = cache.Length + tokens;
    }

    /// <summary>The next token of each of several sequences.</summary>
    public void Set(ReadOnlySpan<KvCache> caches, ReadOnlySpan<TaskScales?> tasks)
    {
        Append(caches.Length, caches.Length);
        if (!tasks.IsEmpty)
            Tasks = TaskBatchOf(tasks);
        caches.CopyTo(_caches);
        Extent = 0;
        for (var s = 0; s < caches.Length; s++)
        {
            _ownStarts[s + 1] = s + 1;
            _positions[s] = caches[s].Length;
            Extent = Math.Max(Extent, caches[s].Length + 1);
        }
    }

    /// <summary>Some tokens of another layout, as far as products look: how many there are, and their tasks. Positions and bounds are not taken over.</summary>
    /// <param name="tokens">Their numbers there.</param>
    public void Gather(TokenLayout all, ReadOnlySpan<int> tokens)
    {
        (Inference, Tokens, Tasks) = (all.Inference, tokens.Length, null);
        if (all.Tasks is not { } tasks)
            return;
        var own = new TaskScales?[tokens.Length];
        for (var i = 0; i < own.Length; i++)
            own[i] = tasks.Tasks[tokens[i]];
        Tasks = TaskBatchOf(own);
    }

    private TaskBatch TaskBatchOf(ReadOnlySpan<TaskScales?> tasks)
    {
        if (_tasks.Last is null || !tasks.SequenceEqual(_tasks.Last.Tasks))
            _tasks = (_tasks.Before is not null && tasks.SequenceEqual(_tasks.Before.Tasks) ? _tasks.Before : new TaskBatch([.. tasks]), _tasks.Last);
        return _tasks.Last;
    }

    private void Append(int sequences, int tokens)
    {
        Inference = true;
        Tasks = null;
        Tokens = tokens;
        Reserve();
        if (_caches.Length < sequences)
            _caches = new KvCache[sequences];
        if (_ownStarts.Length <= sequences)
            _ownStarts = new int[sequences + 1];
        (_starts, _cached) = (_ownStarts, sequences);
    }

    private void Reserve()
    {
        if (_positions.Length < Tokens)
            _positions = new int[Tokens];
    }
}
