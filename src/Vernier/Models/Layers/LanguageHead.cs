using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>From the last block's output to logits and loss: final norm, projection, head. Logits of [tokens, vocabulary] never exist whole.</summary>
internal sealed class LanguageHead : IDisposable
{
    private static readonly WorkspaceSlot s_normed = new(), s_inputGrad = new(), s_input = new();
    private readonly ModelConfig _config;
    private readonly NamedMatrix? _projectOut;
    private readonly NamedMatrix _head;
    private readonly CrossEntropy _loss;

    public LanguageHead(ModelConfig config, Norm? finalNorm, NamedMatrix? projectOut, NamedMatrix head, Parameter? bias)
    {
        (_config, FinalNorm, _projectOut, _head, Bias) = (config, finalNorm, projectOut, head, bias);
        _loss = new CrossEntropy(head.Matrix.Columns, head.Matrix.Rows) { SoftCap = config.LogitSoftCap };
    }

    public Norm? FinalNorm { get; }

    public Parameter? Bias { get; }

    /// <summary>Width of what the head reads.</summary>
    private int InputWidth => _head.Matrix.Columns;

    private ReadOnlySpan<float> BiasValues => Bias is null ? default : Bias.Value.Span;

    /// <summary>y [rows, width of the head]: what the head reads, from the last block's output.</summary>
    public void Input(Compute compute, ReadOnlySpan<float> x, int rows, Span<float> y)
    {
        if (_projectOut is null)
        {
            Normalize(compute, x, y);
            return;
        }
        var normed = compute.Scratch(s_normed, x.Length);
        Normalize(compute, x, normed);
        Gemm.Forward(compute.Pool, normed, rows, _projectOut.Matrix, y);
    }

    /// <summary>logits [rows, vocabulary] from the last block's output.</summary>
    public void Logits(Compute compute, ReadOnlySpan<float> x, int rows, Span<float> logits)
    {
        Projections.Forward(compute, Input(compute, x, rows), rows, _head.Matrix, logits);
        if (Bias is not null)
            Kernels.Bias.Add(compute.Pool, BiasValues, rows, logits);
        if (_config.LogitSoftCap != 0)
            SoftCap.Apply(compute.Pool, logits, _config.LogitSoftCap);
    }

    /// <summary>Sums the negative log-likelihood of all targets.</summary>
    public double Loss(Compute compute, ReadOnlySpan<float> x, TokenBatch batch) =>
        LossOf(compute).Loss(compute.Pool, Input(compute, x, batch.Tokens), _head.Matrix, BiasValues, batch.Targets);

    public void LogProbabilities(Compute compute, ReadOnlySpan<float> x, TokenBatch batch, Span<float> logProbabilities, Span<bool> greedy) =>
        LossOf(compute).LogProbabilities(compute.Pool, Input(compute, x, batch.Tokens), _head.Matrix, BiasValues, batch.Targets, logProbabilities, greedy);

    /// <summary>Sums the negative log-likelihood and writes <paramref name="scale"/> times its gradient with respect to x into dx [tokens, hidden].</summary>
    public double Accumulate(Compute compute, ReadOnlySpan<float> x, TokenBatch batch, float scale, Span<float> dx)
    {
        var input = Input(compute, x, batch.Tokens);
        var dInput = _projectOut is null ? dx : compute.Scratch(s_inputGrad, input.Length);
        var biasGrad = _head.Parameter is null || Bias is null ? default : Bias.Gradient.Span;
        var quantized = compute.Mode == ComputeMode.Int8 ? compute.Quantized : null;
        var loss = LossOf(compute).LossAndGradient(compute.Pool, input, _head.Matrix, BiasValues, batch.Targets, scale, dInput, _head.BeginGradient(), biasGrad, quantized);
        _head.EndGradient();
        if (_config.LogitDivisor != 1)
            Scaling.Apply(compute.Pool, dInput, 1 / _config.LogitDivisor, dInput);
        if (_projectOut is not null)
        {
            if (_projectOut.Sum is not null)
            {
                var normed = compute.Scratch(s_normed, x.Length);
                Normalize(compute, x, normed);
                Gemm.WeightGradient(compute.Pool, dInput, normed, batch.Tokens, InputWidth, _config.HiddenSize, _projectOut.Sum);
            }
            Gemm.BackwardInput(compute.Pool, dInput, batch.Tokens, _projectOut.Matrix, dx);
        }
        FinalNorm?.BackwardInPlace(compute, x, dx);
        return loss;
    }

    public void Dispose() => _loss.Dispose();

    private CrossEntropy LossOf(Compute compute)
    {
        _loss.UseMemory(compute.Workspace.Of(WorkspaceSlot.Widest, _loss.LogitLength));
        return _loss;
    }

    private Span<float> Input(Compute compute, ReadOnlySpan<float> x, int rows)
    {
        var input = compute.Scratch(s_input, rows * InputWidth);
        Input(compute, x, rows, input);
        if (_config.LogitDivisor != 1) // the head is linear: what it reads may be divided in place of what it gives
            Scaling.Apply(compute.Pool, input, 1 / _config.LogitDivisor, input);
        return input;
    }

    private void Normalize(Compute compute, ReadOnlySpan<float> x, Span<float> y)
    {
        if (FinalNorm is null)
            x.CopyTo(y);
        else
            FinalNorm.Forward(compute, x, y);
    }
}
