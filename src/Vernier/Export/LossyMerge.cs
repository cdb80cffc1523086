using Vernier.Kernels;
using Vernier.Models;
using Vernier.Quantization;

namespace Vernier.Export;

/// <summary>Merging a low-rank path into the packed weight beside which it was trained (QLoRA, QAT-LoRA): the sum is rounded to codes again, at the width
/// and groups of the base, and most of a small change is smaller than half a step. So it is done on request only, and its loss is to be measured.</summary>
public static class LossyMerge
{
    /// <summary>Whether paths lie beside packed weights.</summary>
    public static bool IsNeeded(LoadedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Decoder.Linears.Any(l => l.LiesBesideCodes);
    }

    /// <summary>Rounds W + scaling · B A to the nearest codes: on a symmetric grid where the base's is one, on NF4's table where the base has it.</summary>
    public static void Apply(LoadedModel model, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var work = new WorkLease(model.Decoder, model.Compute, cancel, changes: true);
        model.Decoder.ReplaceLinears(linear =>
        {
            if (!linear.LiesBesideCodes)
                return linear;
            var codes = linear.Codes!;
            var merged = codes.Codebook.IsEmpty
                ? RoundToNearest.Quantize(linear.Weight, codes.Bits, codes.GroupSize, IsSymmetric(codes) ? GridKind.Symmetric : GridKind.MinMax)
                : Nf4.Quantize(linear.Weight, codes.GroupSize);
            linear.Weight.Dispose();
            return new FrozenLinear(linear.Name, merged, linear.Bias);
        });
    }

    private static bool IsSymmetric(PackedMatrix matrix)
    {
        var zero = 1 << (matrix.Bits - 1);
        var (scales, offsets) = matrix.Scales.ToArrays();
        for (var i = 0; i < scales.Length; i++)
            if (MathF.Abs(offsets[i] + zero * scales[i]) > 1e-5f * MathF.Abs(zero * scales[i]))
                return false;
        return true;
    }
}
