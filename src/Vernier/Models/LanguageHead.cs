using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>From the last block's output to logits and loss: final norm, projection, head. Works on chunks of rows,
/// so that logits of [tokens, vocabulary] never exist whole, and only on rows that have a target.</summary>
internal sealed class LanguageHead(ModelConfig config, Norm? finalNorm, NamedMatrix? projectOut, NamedMatrix head, Parameter? bias)
{
    // 8 Mi logits (32 MiB) a chunk: large enough for full-speed products, small beside any model.
    private const int ChunkElements = 8 << 20;
    private const int MaxChunk = 512;

    public Norm? FinalNorm => finalNorm;

    public Parameter? Bias => bias;

    /// <summary>Width of what the head reads.</summary>
    public int InputWidth => head.Matrix.Columns;

    private int Vocabulary => head.Matrix.Rows;

    /// <summary>y [rows, <see cref="InputWidth"/>]: what the head reads, from the last block's output.</summary>
    public void Input(Compute compute, ReadOnlySpan<float> x, int rows, Span<float> y)
    {
        if (projectOut is null)
        {
            Normalize(compute, x, y);
            return;
        }
        var normed = compute.Scratch("head.normed", x.Length);
        Normalize(compute, x, normed);
        Gemm.Forward(compute.Pool, normed, rows, projectOut.Matrix, y);
    }

    /// <summary>logits [rows, vocabulary] from the last block's output.</summary>
    public void Logits(Compute compute, ReadOnlySpan<float> x, int rows, Span<float> logits)
    {
        var input = compute.Scratch("head.input", rows * InputWidth);
        Input(compute, x, rows, input);
        LogitsOfInput(compute, input, rows, logits);
    }

    /// <summary>Sums the negative log-likelihood of all targets; writes log-probabilities and arg-max hits where the spans are not empty.</summary>
    public double Score(Compute compute, ReadOnlySpan<float> x, TokenBatch batch, Span<float> logProbabilities, Span<bool> greedy)
    {
        var total = 0.0;
        var chunk = ChunkRows(Vocabulary);
        Span<float> log = stackalloc float[MaxChunk];
        Span<bool> hit = stackalloc bool[MaxChunk];
        Span<int> targets = stackalloc int[MaxChunk];
        for (var at = 0; at < batch.ScoredTokens; at += chunk)
        {
            var positions = batch.ScoredPositions.Slice(at, Math.Min(chunk, batch.ScoredTokens - at));
            var rows = Gather(compute, x, batch, positions, targets);
            var logits = compute.Scratch("head.logits", positions.Length * Vocabulary);
            Logits(compute, rows, positions.Length, logits);
            total += StandIns.CrossEntropy(compute.Pool, logits, Vocabulary, targets[..positions.Length], 0, log, hit, false);
            for (var i = 0; i < positions.Length; i++)
            {
                if (!logProbabilities.IsEmpty)
                    logProbabilities[positions[i]] = log[i];
                if (!greedy.IsEmpty)
                    greedy[positions[i]] = hit[i];
            }
        }
        return total;
    }

    /// <summary>Sums the negative log-likelihood and writes <paramref name="scale"/> times its gradient with respect to x into dx [tokens, hidden].</summary>
    public double Accumulate(Compute compute, ReadOnlySpan<float> x, TokenBatch batch, float scale, Span<float> dx)
    {
        var total = 0.0;
        var hidden = config.HiddenSize;
        var chunk = ChunkRows(Vocabulary);
        Span<int> targets = stackalloc int[MaxChunk];
        dx.Clear();
        for (var at = 0; at < batch.ScoredTokens; at += chunk)
        {
            var positions = batch.ScoredPositions.Slice(at, Math.Min(chunk, batch.ScoredTokens - at));
            var rows = Gather(compute, x, batch, positions, targets);
            var input = compute.Scratch("head.input", positions.Length * InputWidth);
            Input(compute, rows, positions.Length, input);
            var logits = compute.Scratch("head.logits", positions.Length * Vocabulary);
            LogitsOfInput(compute, input, positions.Length, logits);
            total += StandIns.CrossEntropy(compute.Pool, logits, Vocabulary, targets[..positions.Length], scale, default, default, true);
            var dRows = compute.Scratch("head.rows_grad", positions.Length * hidden);
            Backward(compute, rows, input, logits, positions.Length, dRows);
            for (var i = 0; i < positions.Length; i++)
                dRows.Slice(i * hidden, hidden).CopyTo(dx.Slice(positions[i] * hidden, hidden));
        }
        return total;
    }

    /// <summary>Rows whose logits exist at the same time.</summary>
    public static int ChunkRows(int vocabulary) => Math.Clamp(ChunkElements / vocabulary, 16, MaxChunk);

    private void Normalize(Compute compute, ReadOnlySpan<float> x, Span<float> y)
    {
        if (finalNorm is null)
            x.CopyTo(y);
        else
            finalNorm.Forward(compute, x, y);
    }

    private void LogitsOfInput(Compute compute, ReadOnlySpan<float> input, int rows, Span<float> logits)
    {
        Gemm.Forward(compute.Pool, input, rows, head.Matrix, logits);
        if (bias is not null)
            StandIns.AddBias(compute.Pool, logits, bias.Value.Span);
    }

    private ReadOnlySpan<float> Gather(Compute compute, ReadOnlySpan<float> x, TokenBatch batch, ReadOnlySpan<int> positions, Span<int> targets)
    {
        var hidden = config.HiddenSize;
        var rows = compute.Scratch("head.rows", positions.Length * hidden);
        for (var i = 0; i < positions.Length; i++)
        {
            targets[i] = batch.Targets[positions[i]];
            x.Slice(positions[i] * hidden, hidden).CopyTo(rows.Slice(i * hidden, hidden));
        }
        return rows;
    }

    private void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> input, ReadOnlySpan<float> dLogits, int rows, Span<float> dx)
    {
        if (head.Sum is not null)
            Gemm.WeightGradient(compute.Pool, dLogits, input, rows, Vocabulary, InputWidth, head.Sum);
        if (head.Sum is not null && bias is not null)
            StandIns.BiasGradient(compute.Pool, dLogits, bias.Gradient.Span);
        var dInput = projectOut is null ? dx : compute.Scratch("head.input_grad", input.Length);
        Gemm.BackwardInput(compute.Pool, dLogits, rows, head.Matrix, dInput);
        if (projectOut is not null)
        {
            if (projectOut.Sum is not null)
            {
                var normed = compute.Scratch("head.normed", x.Length);
                Normalize(compute, x, normed);
                Gemm.WeightGradient(compute.Pool, dInput, normed, rows, InputWidth, config.HiddenSize, projectOut.Sum);
            }
            Gemm.BackwardInput(compute.Pool, dInput, rows, projectOut.Matrix, dx);
        }
        finalNorm?.Backward(compute, x, dx, dx, false);
    }
}
