using Vernier.Kernels;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Methods.LowRankAdapters;

/// <summary>What LoRA and QLoRA share: where the factors go and what a file of HF PEFT calls them.</summary>
internal static class LoraAdapter
{
    /// <summary>The setting "QV4" of the PEQA paper: factors beside the query and value projections.</summary>
    public const string DefaultTargets = "qv";

    /// <summary>Of an adapter that PEFT reads.</summary>
    public const string PeftType = "LORA";

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
            return new LoraLinear(linear.Name, weight, linear.Bias, LowRankOptions.Factors(linear, options));
        });
        if (!found)
            throw new ArgumentException($"no linear layer of this model matches the targets '{options.Targets ?? DefaultTargets}'", nameof(options));
    }

    /// <summary>Numbers that are trained beside a linear.</summary>
    public static long Trained(LinearShape shape, TuneOptions options) =>
        LinearTargets.Parse(options.Targets ?? DefaultTargets)(shape.Name) ? LowRankOptions.CountOf(shape.Name, options, shape.In, shape.Out) : 0;

    /// <summary>model.layers.0.self_attn.q_proj.lora_A is base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight in a PEFT file.</summary>
    public static string PeftName(string parameter) => $"base_model.model.{parameter}.weight";
}
