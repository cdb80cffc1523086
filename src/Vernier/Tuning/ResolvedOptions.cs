using Vernier.Data;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>Options with every value that depends on method, model or data filled in.</summary>
internal static class ResolvedOptions
{
    /// <param name="validated">There is validation data.</param>
    /// <exception cref="ArgumentException">An option's value makes no sense, or two exclude each other.</exception>
    public static TuneOptions Of(TuneOptions options, ModelConfig config, TrainingData data, bool validated)
    {
        options.Checked();
        var watches = options.Keep == KeptState.Best || options.Patience is not null;
        OptionRules.Require(!watches || validated, $"{(options.Keep == KeptState.Best ? "keep best" : "patience")} needs validation data");
        var stepsPerEpoch = BatchOrder.StepsOfEpoch(data, checked(options.Batch * options.Accumulate));
        var steps = options.Steps ?? (int)Math.Max(1, Math.Ceiling((options.Epochs ?? 1) * stepsPerEpoch));
        return options with
        {
            Context = Math.Min(options.Context, config.ContextLength),
            LearningRate = options.LearningRate ?? TuningMethods.Of(options).LearningRate(options),
            Steps = steps,
            EvalEvery = options.EvalEvery ?? (watches ? Math.Max(1, steps / 10) : null),
            Epochs = null,
        };
    }
}
