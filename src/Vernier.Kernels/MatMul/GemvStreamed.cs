namespace Vernier.Kernels;

/// <summary>Few tokens: rows stream by, with the innermost product of one width.</summary>
internal sealed unsafe class GemvStreamed<TKernel> : IGemmBody
    where TKernel : IGemvKernel
{
    public string Name => typeof(TKernel).Name;

    public InstructionTier Tier => TKernel.Tier;

    public void Forward(WorkerPool pool, float* x, int tokens, WeightMatrix weight, float* y, bool accumulate) =>
        GemvDriver.Forward<TKernel>(pool, x, tokens, weight, y, accumulate);
}
