using System.Runtime;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>How much of the forward pass a step keeps for its backward pass, and how much it computes again.</summary>
internal static class MemoryPlan
{
    // What a run takes beside activations from here on: compiled code, the panels and tiles of the kernels, and the results when they are written.
    private const long FirstStep = 36L << 20;

    // Small models tune in this much; the last tenth is room for what a plan does not see.
    private const long SmallRun = 540_000_000;

    /// <summary>What a run may grow to when nobody says: little memory is the promise, so a small model's run stays below 0.6 GB
    /// and a large one's a tenth above what it holds anyway. More memory makes a run faster, up to a point, and is asked for by a limit.</summary>
    /// <param name="held">Bytes that the run takes without activations.</param>
    public static long DefaultLimit(long held) => Math.Max(SmallRun, held + held / 10);

    /// <summary>Gives back what loading left behind, so that a run does not carry it along.</summary>
    public static void ReleaseGarbage()
    {
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>Blocks whose activations fit beside what is resident already: everything but activations.</summary>
    /// <param name="tokens">Tokens of one micro-batch.</param>
    /// <param name="limit">Resident memory to stay below; null = <see cref="DefaultLimit"/>.</param>
    /// <param name="trainable">Trained values: an adapter is a copy of them when it is written.</param>
    public static int KeptBlocks(ModelConfig config, int tokens, long? limit, long trainable)
    {
        var held = ResidentMemory.Current + sizeof(float) * trainable + FirstStep;
        return ActivationPlan.For(config, tokens, Math.Max(0, (limit ?? DefaultLimit(held)) - held)).KeptBlocks;
    }
}
