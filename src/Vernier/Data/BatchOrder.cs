using Vernier.Models;

namespace Vernier.Data;

/// <summary>Which rows each step trains on. An epoch goes through every row once, in file order or shuffled anew by the seed and the epoch's number;
/// its last step may be short. The order is a function of the step alone, so a run that is resumed sees what it would have seen.</summary>
internal sealed class BatchOrder
{
    private readonly TrainingData _data;
    private readonly int _rowsPerMicroBatch;
    private readonly int _rowsPerStep;
    private readonly ulong? _seed;
    private readonly int[] _order;
    private readonly Dictionary<(int Tokens, int Sequences), TokenBatch> _batches = [];
    private readonly int[] _lengths;
    private int _epoch = -1;

    /// <param name="seed">null = file order.</param>
    public BatchOrder(TrainingData data, int rowsPerMicroBatch, int microBatches, int? seed)
    {
        _data = data;
        _rowsPerMicroBatch = rowsPerMicroBatch;
        _rowsPerStep = checked(rowsPerMicroBatch * microBatches);
        _seed = seed is { } s ? (ulong)(uint)s : null;
        _order = new int[data.Rows];
        var most = 0;
        for (var row = 0; row < data.Rows; row++)
            most = Math.Max(most, data.RowSequences(row));
        _lengths = new int[most];
        StepsPerEpoch = StepsOfEpoch(data, _rowsPerStep);
    }

    public int StepsPerEpoch { get; }

    /// <summary>Steps in which every row is met once; the last may be short.</summary>
    public static int StepsOfEpoch(TrainingData data, int rowsPerStep) => (int)(((long)data.Rows + rowsPerStep - 1) / rowsPerStep);

    /// <summary>Goes to a step.</summary>
    /// <param name="step">From 0.</param>
    /// <returns>Scored tokens of the whole step.</returns>
    public int Begin(int step)
    {
        Shuffle(step / StepsPerEpoch);
        First = step % StepsPerEpoch * _rowsPerStep;
        Last = Math.Min(First + _rowsPerStep, _data.Rows);
        var scored = 0;
        for (var i = First; i < Last; i++)
            scored += _data.RowScoredTokens(_order[i]);
        return scored;
    }

    /// <summary>Micro-batches of the step begun.</summary>
    public int MicroBatches => (Last - First + _rowsPerMicroBatch - 1) / _rowsPerMicroBatch;

    private int First { get; set; }

    private int Last { get; set; }

    /// <summary>One micro-batch of the step begun. The object is reused for batches of the same size, so a steady step allocates nothing.</summary>
    public TokenBatch MicroBatch(int index)
    {
        var from = First + index * _rowsPerMicroBatch;
        var rows = _order.AsSpan(from, Math.Min(_rowsPerMicroBatch, Last - from));
        int tokens = 0, sequences = 0;
        foreach (var row in rows)
        {
            tokens += _data.RowTokens(row);
            sequences += _data.RowSequences(row);
        }
        if (!_batches.TryGetValue((tokens, sequences), out var batch))
        {
            var starts = new int[sequences + 1];
            starts[^1] = tokens;
            _batches[(tokens, sequences)] = batch = new TokenBatch(new int[tokens], starts, new int[tokens]);
        }
        Fill(batch, rows);
        return batch;
    }

    private void Fill(TokenBatch batch, ReadOnlySpan<int> rows)
    {
        int token = 0, sequence = 0;
        foreach (var row in rows)
        {
            _data.RowIds(row).CopyTo(batch.Ids.AsSpan(token));
            _data.RowTargets(row).CopyTo(batch.Targets.AsSpan(token));
            _data.RowLengths(row, _lengths);
            for (var s = 0; s < _data.RowSequences(row); s++)
            {
                token += _lengths[s];
                batch.Starts[++sequence] = token;
            }
        }
        batch.CountScored();
    }

    private void Shuffle(int epoch)
    {
        if (epoch == _epoch)
            return;
        _epoch = epoch;
        for (var i = 0; i < _order.Length; i++)
            _order[i] = i;
        if (_seed is not { } seed)
            return;
        var state = seed * 0x9E3779B97F4A7C15UL + (ulong)epoch;
        for (var i = _order.Length - 1; i > 0; i--) // Fisher-Yates
        {
            var j = (int)(SplitMix64(ref state) % (ulong)(i + 1));
            (_order[i], _order[j]) = (_order[j], _order[i]);
        }
    }

    private static ulong SplitMix64(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
