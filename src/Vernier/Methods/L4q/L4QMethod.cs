using Vernier.Methods.LearnedGrids;
using Vernier.Methods.LowRankAdapters;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Methods.L4q;

/// <summary>L4Q: low-rank factors, steps and offsets trained through the rounding of the merged weight; the result is one integer model.
/// Adapter tensors, one set a module: <c>lora_A</c> [rank, in], <c>lora_B</c> [out, rank], <c>scale</c> and <c>offset</c> [out, groups].
/// Linears that are not targeted are quantized by round to nearest and frozen.</summary>
internal sealed class L4QMethod() : LearnedGridAdapterMethod("l4q", "train the merged, quantized weight itself: low-rank factors, steps and offsets")
{
    /// <inheritdoc/>
    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        var sink = NewSink(compute.Pool.Threads);
        var factorSink = new LowRankSink(compute.Pool.Threads);
        LearnedGridLayers.Insert(decoder, options, Targets(options), (linear, grid) =>
            new L4QLinear(linear.Name, linear.Weight, linear.Bias, LowRankOptions.Factors(linear, options), grid, sink, factorSink));
    }
}
