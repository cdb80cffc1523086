using Vernier.Methods.LowRankAdapters;

namespace Vernier.Methods.LearnedGrids;

/// <summary>The reductions that L4Q, QAT, QAT-LoRA and QA-LoRA share between their layers.</summary>
internal sealed class L4QSinks(int workers)
{
    public LearnedGridSink Grid { get; } = new(workers);

    public LowRankSink LowRank { get; } = new(workers);
}
