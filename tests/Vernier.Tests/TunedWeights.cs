using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tests;

/// <summary>Changes scales of a model as tuning does: other ones over the same codes.</summary>
internal static class TunedWeights
{
    /// <summary>Gives a linear scales of its own.</summary>
    /// <returns>To be changed; the model computes with them.</returns>
    public static TunedScales Tune(this Decoder decoder, Linear linear)
    {
        var scales = new TunedScales(((PackedMatrix)linear.Weight).Scales);
        decoder.ReplaceLinears(l => l.Name == linear.Name ? new FrozenLinear(l.Name, ((PackedMatrix)l.Weight).WithScales(scales), l.Bias) : l);
        return scales;
    }
}
