using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Methods.LowRankAdapters;

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

    /// <summary>Factors of a linear, with the rank and alpha that the options' patterns give it.</summary>
    /// <param name="inputs">Columns of A; null = the linear's inputs.</param>
    public static LowRankFactors Factors(Linear linear, TuneOptions options, int? inputs = null) =>
        new(linear.Name, inputs ?? linear.InFeatures, linear.OutFeatures, RankOf(linear.Name, options),
            ModulePatterns.Find(ModulePatterns.Parse(options.AlphaPattern, "alpha-pattern"), linear.Name) ?? options.Alpha, options.Seed,
            inputs is null ? options.Dropout : 0);

    /// <summary>The rank of a module's factors.</summary>
    public static int RankOf(string module, TuneOptions options) => (int)(ModulePatterns.Find(ModulePatterns.Parse(options.RankPattern, "rank-pattern"), module) ?? options.Rank);

    /// <summary>model.layers.0.self_attn.q_proj.lora_A is base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight in a PEFT file.</summary>
    public static string PeftName(string parameter) => $"base_model.model.{parameter}.weight";
}
