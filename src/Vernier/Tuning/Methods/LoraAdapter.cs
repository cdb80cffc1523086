using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tuning.Methods;

/// <summary>What LoRA and QLoRA share: where the factors go and what a file calls them.</summary>
internal static class LoraAdapter
{
    /// <summary>The setting "QV4" of the PEQA paper: factors beside the query and value projections.</summary>
    public const string DefaultTargets = "qv";

    /// <summary>Puts factors beside the targeted linears.</summary>
    /// <param name="frozen">The weight that a linear keeps.</param>
    public static void Insert(Decoder decoder, TuneOptions options, Func<Linear, WeightMatrix> frozen)
    {
        var isTarget = LinearTargets.Parse(options.Targets ?? DefaultTargets);
        var found = false;
        decoder.ReplaceLinears(linear =>
        {
            var weight = frozen(linear);
            if (!isTarget(linear.Name))
                return weight == linear.Weight ? linear : new FrozenLinear(linear.Name, weight, linear.Bias);
            found = true;
            return new LoraLinear(linear.Name, weight, linear.Bias, Factors(linear, options));
        });
        if (!found)
            throw new ArgumentException($"no linear layer of this model matches the targets '{options.Targets ?? DefaultTargets}'", nameof(options));
    }

    public static LowRankFactors Factors(Linear linear, TuneOptions options) =>
        new(linear.Name, linear.InFeatures, linear.OutFeatures, options.Rank, options.Alpha, options.Seed, options.Dropout);

    /// <summary>model.layers.0.self_attn.q_proj.lora_A is base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight in a PEFT file.</summary>
    public static string PeftName(string parameter) => $"base_model.model.{parameter}.weight";
}
