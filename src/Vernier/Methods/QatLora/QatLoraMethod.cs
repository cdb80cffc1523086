using Vernier.Methods.LearnedGrids;
using Vernier.Methods.LowRankAdapters;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Methods.QatLora;

/// <summary>QAT-LoRA: steps and offsets of a frozen weight learned through its rounding, with low-rank factors that stay apart.
/// Adapter tensors as of L4Q. The merge keeps the adapter beside the integer weight.</summary>
internal sealed class QatLoraMethod() : LearnedGridAdapterMethod("qat-lora", "steps learned through the rounding, low-rank factors kept apart")
{
    /// <inheritdoc/>
    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        var sink = NewSink(compute.Pool.Threads);
        LearnedGridLayers.Insert(decoder, options, Targets(options), (linear, grid) =>
            new QatLoraLinear(linear.Name, linear.Weight, linear.Bias, LowRankOptions.Factors(linear, options), grid, sink));
    }

    /// <inheritdoc/>
    public override MergeResult Merges => MergeResult.BesideCodes;

    /// <inheritdoc/>
    public override ExportTarget Export(TuneOptions options, ExportSource source) => ExportTarget.BesideCodes;
}
