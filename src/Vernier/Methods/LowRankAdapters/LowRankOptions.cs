using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Methods.LowRankAdapters;

/// <summary>What the options say of the factors of a module.</summary>
internal static class LowRankOptions
{
    /// <summary>Factors of a linear, with the rank and alpha that the options' patterns give it.</summary>
    /// <param name="inputs">Columns of A; null = the linear's inputs.</param>
    public static LowRankFactors Factors(Linear linear, TuneOptions options, int? inputs = null) =>
        new(linear.Name, inputs ?? linear.InFeatures, linear.OutFeatures, RankOf(linear.Name, options),
            ModulePatterns.Find(ModulePatterns.Parse(options.AlphaPattern, "alpha-pattern"), linear.Name) ?? options.Alpha, options.Seed,
            inputs is null ? options.Dropout : 0);

    /// <summary>The rank of a module's factors.</summary>
    public static int RankOf(string module, TuneOptions options) => (int)(ModulePatterns.Find(ModulePatterns.Parse(options.RankPattern, "rank-pattern"), module) ?? options.Rank);

    /// <summary>Numbers in A [rank, columns] and B [rows, rank] of a module.</summary>
    public static long CountOf(string module, TuneOptions options, long columns, long rows) => RankOf(module, options) * (columns + rows);

    /// <summary>How the factors' tensors act: all others of their methods are of no kind that has a middle.</summary>
    public static TensorKind? KindOf(string tensor) => tensor.Contains(".lora_A", StringComparison.Ordinal) ? TensorKind.LoraA
        : tensor.Contains(".lora_B", StringComparison.Ordinal) ? TensorKind.LoraB
        : null;
}
