using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>How much of the forward pass a step keeps for its backward pass, and how much it computes again.</summary>
internal static class MemoryPlan
{
    /// <summary>Without a limit the process may grow by a tenth of what it takes already, and at least to this.</summary>
    private const long DefaultLimit = 500_000_000;

    /// <summary>Blocks whose insides fit beside what is resident already.</summary>
    /// <param name="tokens">Tokens of one micro-batch.</param>
    /// <param name="limit">Resident memory to stay below; null = see above, and never more than is free.</param>
    /// <param name="untouched">Bytes that are reserved and not resident yet: the optimizer's moments.</param>
    public static int KeptBlocks(ModelConfig config, int tokens, long? limit, long untouched)
    {
        var resident = ResidentMemory.Current + untouched;
        var free = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var most = limit ?? Math.Min(Math.Max(DefaultLimit, resident + resident / 10), free);
        return ActivationPlan.For(config, tokens, Math.Max(0, most - resident)).KeptBlocks;
    }
}
