namespace Vernier.Models;

/// <content>The passes: forward, scoring, backward.</content>
public sealed partial class Decoder
{
    private readonly BlockActivations _shared = new();
    private readonly GrowingBuffer _gradient = new();
    private readonly GrowingBuffer _scratchStream = new();
    private GrowingBuffer[] _stream = [];
    private BlockActivations[] _kept = [];
    private int _firstKept;

    /// <summary>How many blocks keep their activations for the backward pass instead of recomputing them, counted from the last but one
    /// (the last block's activations are still there anyway). See <see cref="ActivationPlan"/>.</summary>
    internal int KeptBlocks { get; set; }

    /// <summary>Bytes of activations held now.</summary>
    internal long ActivationBytes => _gradient.Bytes + _scratchStream.Bytes + _stream.Sum(b => b.Bytes) + _shared.Bytes + _kept.Sum(b => b.Bytes);

    /// <summary>Forward only. Returns the sum of the negative log-likelihoods of all targets, in nats.</summary>
    /// <exception cref="NotFiniteNumberException">It is none: the model's numbers went beyond fp32.</exception>
    internal double SumNegativeLogLikelihood(Compute compute, TokenBatch batch)
    {
        using var work = new WorkLease(this, compute);
        CheckIds(batch.Ids, batch.Targets);
        var sum = _head.Loss(compute, RunBlocks(compute, batch, Config.Layers), batch);
        return double.IsFinite(sum) ? sum : throw Unbounded(sum);
    }

    /// <summary>Log-probability of every target (0 where there is none) and whether the target was the arg-max (first on ties).</summary>
    internal void LogProbabilities(Compute compute, TokenBatch batch, Span<float> logProbabilities, Span<bool> greedy)
    {
        using var work = new WorkLease(this, compute);
        CheckIds(batch.Ids, batch.Targets);
        _head.LogProbabilities(compute, RunBlocks(compute, batch, Config.Layers), batch, logProbabilities, greedy);
        RequireFinite(logProbabilities);
    }

    /// <summary>Logits of every position.</summary>
    /// <param name="logits">[tokens, vocabulary].</param>
    internal void Logits(Compute compute, TokenBatch batch, Span<float> logits)
    {
        using var work = new WorkLease(this, compute);
        CheckIds(batch.Ids, batch.Targets);
        _head.Logits(compute, RunBlocks(compute, batch, Config.Layers), batch.Tokens, logits);
    }

    /// <summary>The hidden states: the input of block <paramref name="layer"/>, or for layer = <see cref="ModelConfig.Layers"/> what the head reads (after the final norm and projection).</summary>
    /// <param name="hidden">[tokens, hidden size]; for the last layer [tokens, width of the head].</param>
    internal void HiddenStates(Compute compute, TokenBatch batch, int layer, Span<float> hidden)
    {
        using var work = new WorkLease(this, compute);
        CheckIds(batch.Ids, batch.Targets);
        var x = RunBlocks(compute, batch, layer);
        if (layer == Config.Layers)
            _head.Input(compute, x, batch.Tokens, hidden);
        else
            x.CopyTo(hidden);
    }

    /// <summary>Replaces hidden [tokens, hidden size] by the output of block <paramref name="layer"/>: calibration goes through a model block by block,
    /// each with the blocks before it already quantized. It starts from <see cref="HiddenStates"/> of layer 0.</summary>
    internal void ForwardBlock(Compute compute, TokenBatch batch, int layer, Span<float> hidden)
    {
        using var work = new WorkLease(this, compute);
        _layout.Set(batch, inference: true);
        CheckExtent();
        _shared.Block = -1;
        _blocks[layer].Forward(compute, _layout, hidden, _shared, hidden);
    }

    /// <summary>Appends ids to one sequence's cache and writes the logits of the last of them.</summary>
    /// <param name="logits">[vocabulary]; empty when they are not wanted.</param>
    /// <exception cref="InvalidOperationException">The cache's capacity would be exceeded.</exception>
    internal void Forward(Compute compute, ReadOnlySpan<int> ids, KvCache cache, Span<float> logits)
    {
        using var work = new WorkLease(this, compute);
        CheckIds(ids, default);
        var x = AppendTo(compute, ids, cache);
        if (logits.IsEmpty)
            return;
        _head.Logits(compute, x[^Config.HiddenSize..], 1, logits);
        RequireFinite(logits);
    }

    private static void RequireFinite(ReadOnlySpan<float> values)
    {
        if (Kernels.NotFinite.IndexIn(values) is >= 0 and var at)
            throw Unbounded(values[at]);
    }

    private static NotFiniteNumberException Unbounded(double found) =>
        new($"the model's logits are not finite (found {found}): its weights, or the adapter's, are too large for fp32 arithmetic", found);

    /// <summary>Appends one id to each of several sequences and writes their logits: the codes of the weights are read once for all.</summary>
    /// <param name="ids">[sequences].</param>
    /// <param name="caches">[sequences], all different.</param>
    /// <param name="tasks">[sequences]: the task that each one is computed with, null = none; empty = no tasks at all. Neighbours of one task cost least
    /// where tasks are scales group by group; tasks per channel and separable ones cost the same in any order.</param>
    /// <param name="logits">[sequences, vocabulary].</param>
    /// <exception cref="ArgumentException">The lengths differ, or a cache occurs twice.</exception>
    /// <exception cref="InvalidOperationException">A cache's capacity would be exceeded.</exception>
    internal void ForwardBatch(Compute compute, ReadOnlySpan<int> ids, ReadOnlySpan<KvCache> caches, ReadOnlySpan<TaskScales?> tasks, Span<float> logits)
    {
        using var work = new WorkLease(this, compute);
        ArgumentOutOfRangeException.ThrowIfZero(ids.Length, nameof(ids));
        if (caches.Length != ids.Length || (tasks.Length != 0 && tasks.Length != ids.Length) || logits.Length != (long)ids.Length * Config.VocabularySize)
            throw new ArgumentException($"{ids.Length} ids, {caches.Length} caches, {tasks.Length} tasks and {logits.Length} logits of a vocabulary of {Config.VocabularySize} do not fit");
        for (var s = 1; s < caches.Length; s++)
            if (caches[..s].Contains(caches[s]))
                throw new ArgumentException("a cache holds one sequence; it occurs twice", nameof(caches));
        CheckIds(ids, default);
        foreach (var cache in caches)
            cache.Reserve(1);
        _layout.Set(caches, tasks);
        var x = Append(compute, ids);
        _head.Logits(compute, x, ids.Length, logits);
        RequireFinite(logits);
        foreach (var cache in caches)
            cache.Advance(1);
    }

    /// <summary>Appends one sequence to a cache and scores its targets, so that what several sequences begin with is computed once.</summary>
    /// <param name="batch">One sequence, which stands behind the tokens that the cache holds.</param>
    /// <exception cref="InvalidOperationException">The cache's capacity would be exceeded.</exception>
    internal void LogProbabilities(Compute compute, TokenBatch batch, KvCache cache, Span<float> logProbabilities, Span<bool> greedy)
    {
        using var work = new WorkLease(this, compute);
        if (batch.Sequences != 1)
            throw new ArgumentException("a cache holds one sequence", nameof(batch));
        CheckIds(batch.Ids, batch.Targets);
        _head.LogProbabilities(compute, AppendTo(compute, batch.Ids, cache), batch, logProbabilities, greedy);
        RequireFinite(logProbabilities);
    }

    /// <summary>Forward and backward. Returns the summed negative log-likelihood and adds <paramref name="scale"/> times its gradient to every parameter's gradient
    /// (the trainer passes 1 / scored tokens of the whole step).</summary>
    internal double Accumulate(Compute compute, TokenBatch batch, float scale)
    {
        using var work = new WorkLease(this, compute);
        CheckIds(batch.Ids, batch.Targets);
        var first = FirstTrained();
        if (first > Config.Layers)
            return SumNegativeLogLikelihood(compute, batch);
        compute.Training = true;
        try
        {
            return AccumulateFrom(first, compute, batch, scale);
        }
        finally
        {
            compute.Training = false;
        }
    }

    private double AccumulateFrom(int first, Compute compute, TokenBatch batch, float scale)
    {
        var size = batch.Tokens * Config.HiddenSize;
        ForwardKeeping(compute, batch, Math.Max(first, 0));
        var gradient = _gradient.Of(size);
        var loss = _head.Accumulate(compute, Stream(Config.Layers, size), batch, scale, gradient);
        for (var layer = Config.Layers - 1; layer >= Math.Max(first, 0); layer--)
        {
            var input = Stream(layer, size);
            var kept = ActivationsOf(layer);
            if (kept.Block != layer)
                _blocks[layer].Forward(compute, _layout, input, kept, default);
            _blocks[layer].Backward(compute, _layout, input, kept, gradient, layer > first);
            kept.Block = -1; // the backward pass works in place
        }
        if (_trainsAll || _table.Tuned is not null)
            _embedding.Backward(compute, batch.Ids, _layout.Positions, gradient);
        return loss;
    }

    /// <summary>Frees the memory of activations; the next pass allocates it again.</summary>
    internal void DisposeActivations()
    {
        using var work = Gate.Enter();
        FreeActivations();
    }

    private void FreeActivations()
    {
        _gradient.Dispose();
        _scratchStream.Dispose();
        _shared.Dispose();
        foreach (var buffer in _stream)
            buffer.Dispose();
        foreach (var kept in _kept)
            kept.Dispose();
        (_stream, _kept) = ([], []);
        _shared.Block = -1;
    }

    /// <summary>First block with something to train, -1 where the embedding is trained too, more than <see cref="ModelConfig.Layers"/> where nothing is.</summary>
    private int FirstTrained()
    {
        if (_trainsAll || _table.Tuned is not null)
            return -1;
        for (var layer = 0; layer < _blocks.Length; layer++)
            if (_blocks[layer].HasParameters)
                return layer;
        return _headMatrix.Tuned is null ? int.MaxValue : Config.Layers;
    }

    /// <summary>Runs all blocks on ids behind those of the cache. Returns the last block's output, [tokens, hidden].</summary>
    private Span<float> AppendTo(Compute compute, ReadOnlySpan<int> ids, KvCache cache)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ids.Length, nameof(ids));
        cache.Reserve(ids.Length);
        _layout.Set(ids.Length, cache);
        var x = Append(compute, ids);
        cache.Advance(ids.Length);
        return x;
    }

    /// <summary>Runs all blocks on ids that stand as the layout says.</summary>
    private Span<float> Append(Compute compute, ReadOnlySpan<int> ids)
    {
        CheckExtent();
        var x = _scratchStream.Of(ids.Length * Config.HiddenSize);
        _embedding.Forward(compute, ids, _layout.Positions, x);
        foreach (var block in _blocks)
            block.Forward(compute, _layout, x, _shared, x);
        _shared.Block = -1;
        return x;
    }

    /// <summary>The input of block <paramref name="layers"/>: embedding and that many blocks, nothing kept.</summary>
    private Span<float> RunBlocks(Compute compute, TokenBatch batch, int layers)
    {
        _layout.Set(batch, inference: true);
        CheckExtent();
        var x = _scratchStream.Of(batch.Tokens * Config.HiddenSize);
        _embedding.Forward(compute, batch.Ids, _layout.Positions, x);
        for (var layer = 0; layer < layers; layer++)
            _blocks[layer].Forward(compute, _layout, x, _shared, x);
        _shared.Block = -1;
        return x;
    }

    /// <summary>Fills the stream: the input of every block from <paramref name="first"/> on, and the output of the last.</summary>
    private void ForwardKeeping(Compute compute, TokenBatch batch, int first)
    {
        _layout.Set(batch, inference: false);
        CheckExtent();
        ReserveStream(first);
        var size = batch.Tokens * Config.HiddenSize;
        _embedding.Forward(compute, batch.Ids, _layout.Positions, Stream(0, size));
        for (var layer = 0; layer < Config.Layers; layer++)
        {
            var kept = ActivationsOf(layer);
            _blocks[layer].Forward(compute, _layout, Stream(layer, size), kept, Stream(layer + 1, size));
            kept.Block = layer;
        }
    }

    /// <summary>One buffer for each stage of the residual stream; stages below the first trained block share one, for nobody reads them again.</summary>
    private void ReserveStream(int first)
    {
        _firstKept = first;
        if (_stream.Length == 0)
        {
            _stream = new GrowingBuffer[Config.Layers + 1];
            for (var i = 0; i < _stream.Length; i++)
                _stream[i] = new GrowingBuffer();
        }
        var keeping = Math.Clamp(KeptBlocks, 0, Config.Layers - 1);
        if (_kept.Length == keeping)
            return;
        foreach (var kept in _kept.AsSpan(Math.Min(keeping, _kept.Length)))
            kept.Dispose();
        var old = _kept;
        _kept = new BlockActivations[keeping];
        for (var i = 0; i < keeping; i++)
            _kept[i] = i < old.Length ? old[i] : new BlockActivations();
    }

    /// <summary>The input of a block (or the output of the last one) during training.</summary>
    private Span<float> Stream(int layer, int size) => _stream[Math.Max(layer, _firstKept)].Of(size);

    /// <summary>Where the activations of a block go: its own memory for the blocks before the last that are kept, else the shared one.</summary>
    private BlockActivations ActivationsOf(int layer)
    {
        var fromEnd = Config.Layers - 2 - layer;
        return fromEnd >= 0 && fromEnd < _kept.Length ? _kept[fromEnd] : _shared;
    }

    private void CheckExtent()
    {
        if (Config.Positions == PositionKind.Learned && _layout.Extent > Config.ContextLength)
            throw new ArgumentException($"{_layout.Extent} tokens in a sequence, but the model has only {Config.ContextLength} learned positions");
        _rope?.Reserve(_layout.Extent);
        _localRope?.Reserve(_layout.Extent);
    }

    private void CheckIds(ReadOnlySpan<int> ids, ReadOnlySpan<int> targets)
    {
        foreach (var id in ids)
            if ((uint)id >= (uint)Config.VocabularySize)
                throw new ArgumentException($"token id {id} is outside the vocabulary of {Config.VocabularySize}", nameof(ids));
        foreach (var target in targets)
            if (target >= Config.VocabularySize)
                throw new ArgumentException($"target id {target} is outside the vocabulary of {Config.VocabularySize}", nameof(targets));
    }
}
