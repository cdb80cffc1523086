using System.Diagnostics;
using Vernier.Data;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>Forward, backward, clip, update: the steps of a run, without files. A step allocates nothing once every batch size has been seen.</summary>
internal sealed class TrainingLoop : IDisposable
{
    /// <summary>Trainable values up to this many are copied before every update, so that a run that diverges can go back one step.</summary>
    internal const long SnapshotLimit = 64L << 20;

    private readonly Decoder _decoder;
    private readonly Compute _compute;
    private readonly BatchOrder _order;
    private readonly double _clip;
    private readonly Linear[] _linears;
    private readonly float[][]? _snapshot;

    /// <param name="decoder">The method has been applied to it.</param>
    /// <param name="options">All values resolved.</param>
    /// <param name="method">Says which parameters a step changes; null = all.</param>
    public TrainingLoop(Decoder decoder, Compute compute, BatchOrder order, TuneOptions options, TuningMethod? method = null)
    {
        _decoder = decoder;
        _compute = compute;
        _order = order;
        _clip = options.Clip;
        _linears = [.. decoder.AllLinears];
        Optimizer = new AdamWOptimizer(decoder.Parameters, options, method is null ? null : method.Trains);
        if (TrainableParameters <= SnapshotLimit)
            _snapshot = [.. Optimizer.Parameters.Select(p => new float[p.Value.Length])];
    }

    public AdamWOptimizer Optimizer { get; }

    public long TrainableParameters => Optimizer.Parameters.Sum(p => p.Value.Length);

    /// <summary>Values as they were before the last update can be had back.</summary>
    public bool CanGoBack => _snapshot is not null;

    /// <summary>One optimizer step. The loss is the mean over the scored tokens of the whole step, accumulated micro-batches together.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="quantizerLearningRate">Of scales and offsets of methods that also train other parameters.</param>
    /// <exception cref="NotFiniteNumberException">The loss or the gradient is not finite; nothing was updated.</exception>
    /// <exception cref="OperationCanceledException">The workers' token says so; nothing was updated, and what was computed of the step is dropped.</exception>
    public StepFigures Step(int step, double learningRate, double quantizerLearningRate)
    {
        var started = Stopwatch.GetTimestamp();
        Optimizer.ClearGradients();
        var scored = _order.Begin(step);
        var tokens = 0;
        var sum = 0.0;
        for (var i = 0; i < _order.MicroBatches; i++)
        {
            _compute.Pool.Cancellation.ThrowIfCancellationRequested();
            var batch = _order.MicroBatch(i);
            tokens += batch.Tokens;
            if (batch.ScoredTokens > 0)
                sum += _decoder.Accumulate(_compute, batch, 1f / scored);
        }
        var loss = scored == 0 ? 0 : sum / scored;
        var norm = Optimizer.GlobalNorm(_compute.Pool);
        if (!double.IsFinite(loss) || !double.IsFinite(norm))
            throw new NotFiniteNumberException($"step {step + 1}: the loss is {loss} and the gradient's norm is {norm}; " + (step == 0
                ? "nothing was updated yet, so the model's own numbers are too large for fp32 arithmetic" : $"the learning rate {learningRate} may be too large"), loss);
        Update(learningRate, quantizerLearningRate, Kernels.GradientNorm.ClipScale(norm, _clip));
        return new(loss, norm, learningRate, tokens, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Whole or not at all.</summary>
    private void Update(double learningRate, double quantizerLearningRate, float clip)
    {
        var cancel = _compute.Pool.Cancellation;
        cancel.ThrowIfCancellationRequested();
        _compute.Pool.Cancellation = default;
        try
        {
            TakeSnapshot();
            Optimizer.Step(_compute.Pool, learningRate, quantizerLearningRate, clip);
            ParametersChanged();
        }
        finally
        {
            _compute.Pool.Cancellation = cancel;
        }
    }

    /// <summary>Writes all state before the first step: memory is resident only once it was written, and what is resident then is what the steps take,
    /// apart from activations.</summary>
    public void Touch()
    {
        Optimizer.ClearGradients();
        Optimizer.ClearMoments();
        TakeSnapshot();
    }

    /// <summary>Brings the linears up to date after parameters were set from outside.</summary>
    public void ParametersChanged()
    {
        foreach (var linear in _linears)
            linear.ParametersChanged();
        _decoder.Changed();
    }

    /// <summary>Sets all parameters to what they were before the last update.</summary>
    public void GoBack()
    {
        for (var i = 0; i < _snapshot!.Length; i++)
            _snapshot[i].CopyTo(Optimizer.Parameters[i].Value.Span);
        ParametersChanged();
    }

    public void Dispose() => Optimizer.Dispose();

    private void TakeSnapshot()
    {
        for (var i = 0; i < (_snapshot?.Length ?? 0); i++)
            Optimizer.Parameters[i].Value.Span.CopyTo(_snapshot![i]);
    }
}
