using Vernier.Models;

namespace Vernier.Calibration;

/// <summary>Takes an importance matrix from a model that reads a text: what llama.cpp's <c>llama-imatrix</c> does for the linears of the blocks.</summary>
internal static class ImportanceCollector
{
    /// <summary>Cuts a stream of tokens into chunks side by side; the rest is left out.</summary>
    /// <param name="bos">Replaces the first token of each chunk where the vocabulary wants BOS; null = none.</param>
    /// <exception cref="InvalidDataException">There is not one chunk.</exception>
    public static IReadOnlyList<int[]> Cut(string path, int[] ids, ImportanceOptions options, int? bos)
    {
        var all = ids.Length / options.Context;
        var count = Math.Min(options.Chunks ?? int.MaxValue, all - options.FromChunk);
        if (count < 1)
            throw new InvalidDataException($"{path}: found {ids.Length} tokens, {all} chunks of {options.Context}, expected more than {options.FromChunk}: give more text, or lower --context or --from-chunk");
        var chunks = new int[count][];
        for (var c = 0; c < count; c++)
        {
            chunks[c] = ids.AsSpan((options.FromChunk + c) * options.Context, options.Context).ToArray();
            chunks[c][0] = bos ?? chunks[c][0];
        }
        return chunks;
    }

    /// <summary>Lets the model read the chunks, each from the start, and sums up what its linears read.</summary>
    /// <param name="datasets">Named in the file.</param>
    /// <param name="progress">Told of the chunks that are read: how many, of how many.</param>
    /// <exception cref="NotSupportedException">The family has no GGUF names.</exception>
    /// <exception cref="InvalidDataException">An input is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ImportanceMatrix Collect(LoadedModel model, IReadOnlyList<int[]> chunks, IReadOnlyList<string> datasets, Action<int, int>? progress = null, CancellationToken cancel = default)
    {
        var places = StoredTensors.OfGguf(model.Config);
        var parts = model.Decoder.Linears.ToDictionary(l => l.Name, l => places.Find(l.Name + ".weight") ?? throw new NotSupportedException($"GGUF has no name for '{l.Name}'"), StringComparer.Ordinal);
        using var work = new WorkLease(model.Decoder, model.Compute, cancel, "is being observed", changes: true);
        var observed = new List<ObservedLinear>();
        model.Decoder.ReplaceLinears(linear =>
        {
            observed.Add(new ObservedLinear(linear, new InputSquares(linear.InFeatures)));
            return observed[^1];
        });
        try
        {
            Read(model, chunks, progress, cancel);
        }
        finally
        {
            model.Decoder.Cancellation = default; // the linears are put back whatever happened
            model.Decoder.ReplaceLinears(linear => ((ObservedLinear)linear).Inner);
        }
        var stored = observed.GroupBy(o => parts[o.Name].Stored, StringComparer.Ordinal);
        return new ImportanceMatrix("", datasets, chunks.Count, chunks[0].Length, stored.ToDictionary(s => s.Key, s => Entry([.. s.OrderBy(o => parts[o.Name].Order.FileRow(0))], parts[s.First().Name].Stack > 0), StringComparer.Ordinal));
    }

    private static void Read(LoadedModel model, IReadOnlyList<int[]> chunks, Action<int, int>? progress, CancellationToken cancel)
    {
        var hidden = new float[chunks[0].Length * model.Decoder.Head.Columns];
        var targets = new int[chunks[0].Length];
        Array.Fill(targets, TokenBatch.NoTarget);
        for (var c = 0; c < chunks.Count; c++)
        {
            cancel.ThrowIfCancellationRequested();
            progress?.Invoke(c, chunks.Count);
            model.Decoder.HiddenStates(model.Compute, new TokenBatch(chunks[c], [0, chunks[c].Length], targets), model.Config.Layers, hidden);
        }
        progress?.Invoke(chunks.Count, chunks.Count);
    }

    /// <param name="linears">Those that are stored as one tensor, in its order.</param>
    /// <param name="stacked">Each is a matrix of the tensor: an expert. Else all read one input.</param>
    private static ImportanceMatrix.Entry Entry(IReadOnlyList<ObservedLinear> linears, bool stacked)
    {
        var counted = stacked ? linears : [linears[0]];
        foreach (var linear in counted)
            if (Array.FindIndex(linear.Squares.Sums, s => !float.IsFinite(s)) is >= 0 and var at)
                throw new InvalidDataException($"{linear.Name}: the squares of input {at} sum up to {linear.Squares.Sums[at]}, expected a finite number");
        return new([.. counted.SelectMany(l => l.Squares.Sums)], [.. counted.Select(l => (float)l.Squares.Tokens)]);
    }
}
