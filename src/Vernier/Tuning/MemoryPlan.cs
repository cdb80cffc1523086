using System.Runtime;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>How much of the forward pass a step keeps for its backward pass, and how much it computes again.</summary>
internal static class MemoryPlan
{
    // What the first step takes beside activations: compiled code, and the panels and tiles of the kernels.
    private const long FirstStep = 24L << 20;

    /// <summary>What a run may grow to when nobody says: three quarters of the memory that is free now, beside what it holds.</summary>
    /// <param name="held">Bytes that the run takes without activations.</param>
    public static long DefaultLimit(long held) => held + ResidentMemory.Available / 4 * 3;

    /// <summary>Gives back what loading left behind, so that a run does not carry it along.</summary>
    public static void ReleaseGarbage()
    {
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>Blocks whose insides fit beside what is resident already.</summary>
    /// <param name="tokens">Tokens of one micro-batch.</param>
    /// <param name="limit">Resident memory to stay below; null = <see cref="DefaultLimit"/>.</param>
    /// <param name="untouched">Bytes that are reserved and not resident yet: the optimizer's moments.</param>
    public static int KeptBlocks(ModelConfig config, int tokens, long? limit, long untouched)
    {
        var held = ResidentMemory.Current + untouched + FirstStep;
        return ActivationPlan.For(config, tokens, Math.Max(0, (limit ?? DefaultLimit(held)) - held)).KeptBlocks;
    }
}
