namespace Vernier.Kernels.Tests;

/// <summary>An <see cref="InstructionTier"/> as an argument of a theory, whose types are public.</summary>
public enum Tier
{
    Scalar = InstructionTier.Scalar,
    Vector128 = InstructionTier.Vector128,
    Vector256 = InstructionTier.Vector256,
    Vector512 = InstructionTier.Vector512,
}

/// <summary>The instruction tiers that can run here: every test of a kernel runs over all of them.</summary>
public static class Tiers
{
    public static TheoryData<Tier> Supported => [.. Here];

    internal static IEnumerable<Tier> Here => Enum.GetValues<Tier>().Where(tier => InstructionTiers.IsSupported((InstructionTier)tier));
}

public class TierTests
{
    /// <summary>The runtime's switches take tiers away; a run of the suite under a switch must really test the tier below it.</summary>
    [Fact]
    public void SwitchesLimitTheTier()
    {
        var limit = Off("DOTNET_EnableHWIntrinsic") ? InstructionTier.Scalar
            : Off("DOTNET_EnableAVX2") || Off("DOTNET_EnableAVX") ? InstructionTier.Vector128
            : Off("DOTNET_EnableAVX512") ? InstructionTier.Vector256
            : InstructionTier.Vector512;
        Assert.True(InstructionTiers.Best <= limit, $"tier {InstructionTiers.Best} in spite of the switches");
        Assert.True(InstructionTiers.IsSupported(InstructionTiers.Best));
        if (limit == InstructionTier.Scalar)
            Assert.Equal(InstructionTier.Scalar, InstructionTiers.Best);

        static bool Off(string name) => Environment.GetEnvironmentVariable(name) == "0";
    }
}
