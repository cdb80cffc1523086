namespace Vernier.Kernels;

/// <summary>What stays the same over all steps and parameters of <see cref="AdamW"/>.</summary>
internal readonly record struct AdamWSettings(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8)
{
    /// <summary>The usual settings.</summary>
    public AdamWSettings()
        : this(0.9, 0.999, 1e-8)
    {
    }
}
