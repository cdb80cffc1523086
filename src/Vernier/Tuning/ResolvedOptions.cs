using Vernier.Data;
using Vernier.Models;
using Vernier.Tuning.Methods;

namespace Vernier.Tuning;

/// <summary>Options with every value that depends on method, model or data filled in.</summary>
internal static class ResolvedOptions
{
    /// <exception cref="ArgumentException">An option's value makes no sense, or two exclude each other.</exception>
    public static TuneOptions Of(TuneOptions options, ModelConfig config, TrainingData data)
    {
        Require(options.Batch > 0, "batch", options.Batch, "at least 1");
        Require(options.Accumulate > 0, "accumulate", options.Accumulate, "at least 1");
        Require(options.Context > 1, "context", options.Context, "at least 2");
        Require(options.Steps is null or > 0, "steps", options.Steps, "at least 1");
        Require(options.Epochs is null or > 0, "epochs", options.Epochs, "more than 0");
        Require(options.StopAfter is null or > 0, "stop-after", options.StopAfter, "at least 1");
        Require(options.EvalEvery is null or > 0, "eval-every", options.EvalEvery, "at least 1");
        Require(options.CheckpointEvery is null or > 0, "checkpoint-every", options.CheckpointEvery, "at least 1");
        Require(options.LearningRate is null or >= 0, "lr", options.LearningRate, "not negative");
        Require(options.Warmup is null or (>= 0 and <= 1), "warmup", options.Warmup, "a share of the steps, 0 to 1");
        Require(options.WeightDecay >= 0, "weight-decay", options.WeightDecay, "not negative");
        Require(options.Beta1 is >= 0 and < 1, "beta1", options.Beta1, "0 to below 1");
        Require(options.Beta2 is >= 0 and < 1, "beta2", options.Beta2, "0 to below 1");
        Require(options.Epsilon > 0, "eps", options.Epsilon, "more than 0");
        Require(options.Bits is null or (>= 2 and <= 8), "bits", options.Bits, "2 to 8");
        Require(options.Group >= 0, "group", options.Group, "not negative");
        Require(options.Rank > 0, "rank", options.Rank, "at least 1");
        if (options is { Steps: not null, Epochs: not null })
            throw new ArgumentException("steps and epochs exclude each other: give one of them");
        var stepsPerEpoch = new BatchOrder(data, options.Batch, options.Accumulate, null).StepsPerEpoch;
        return options with
        {
            Context = Math.Min(options.Context, config.ContextLength),
            LearningRate = options.LearningRate ?? TuningMethods.Find(options.Method).LearningRate(options),
            Steps = options.Steps ?? (int)Math.Max(1, Math.Ceiling((options.Epochs ?? 1) * stepsPerEpoch)),
            Epochs = null,
        };
    }

    private static void Require(bool holds, string name, object? value, string expected)
    {
        if (!holds)
            throw new ArgumentException(FormattableString.Invariant($"{name} is {value}, expected {expected}"));
    }
}
