namespace Vernier.Kernels.Tests;

/// <summary>A theory over tiers of 256 bits and more; skipped with the reason where the machine (or its switches) has none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class WideVectorTheoryAttribute : TheoryAttribute
{
    public WideVectorTheoryAttribute() =>
        Skip = InstructionTiers.Best >= InstructionTier.Vector256 ? null : "integer gradients need 256-bit vectors; narrower machines compute them in fp32";
}
