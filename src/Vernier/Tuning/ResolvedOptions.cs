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
        options.Checked();
        var stepsPerEpoch = new BatchOrder(data, options.Batch, options.Accumulate, null).StepsPerEpoch;
        return options with
        {
            Context = Math.Min(options.Context, config.ContextLength),
            LearningRate = options.LearningRate ?? TuningMethods.Find(options.Method).LearningRate(options),
            Steps = options.Steps ?? (int)Math.Max(1, Math.Ceiling((options.Epochs ?? 1) * stepsPerEpoch)),
            Epochs = null,
        };
    }
}
