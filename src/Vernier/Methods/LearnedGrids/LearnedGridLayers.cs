using Vernier.Methods.LowRankAdapters;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Methods.LearnedGrids;

/// <summary>Layers with low-rank factors and a grid whose steps and offsets are both trained (L4Q, QAT-LoRA); linears that are not targeted are rounded and frozen.</summary>
internal static class LearnedGridLayers
{
    /// <summary>What one linear takes.</summary>
    public static LinearPlan Plan(LinearShape shape, TuneOptions options, Func<string, bool> isTarget)
    {
        var packed = shape.With(options);
        var scales = packed.Scales(packed.Group);
        return isTarget(packed.Name)
            ? new(packed, LowRankOptions.CountOf(packed.Name, options, packed.In, packed.Out) + 2 * scales, shape.LoadedBytes + LearnedGridOptions.GroupBytes * scales, Products: 3)
            : new(packed, 0, packed.LoadedBytes, Products: 3);
    }

    /// <summary>Puts a layer in place of every targeted linear.</summary>
    /// <param name="layer">Makes it from the linear and a grid that fits its weight.</param>
    public static void Insert(Decoder decoder, TuneOptions options, Func<string, bool> isTarget, Func<Linear, LearnedGrid, Linear> layer)
    {
        var start = LearnedGridOptions.StartOf(options);
        var half = LearnedGridOptions.RoundsToHalf(options);
        decoder.ReplaceLinears(linear =>
        {
            if (!isTarget(linear.Name))
                return new FrozenLinear(linear.Name, PackedBase.Of(linear, options), linear.Bias);
            var (bits, group) = PackedBase.GridOf(linear, options);
            return layer(linear, new LearnedGrid(linear.Name, linear.Weight, bits, group, start, trainsOffset: true, options.GradientScale, half));
        });
    }
}
