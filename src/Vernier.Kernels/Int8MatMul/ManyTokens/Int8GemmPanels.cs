namespace Vernier.Kernels;

/// <summary>Panels of integers with the innermost product of one width.</summary>
internal sealed unsafe class Int8GemmPanels<TKernel> : IInt8GemmBody
    where TKernel : IInt8GemmKernel
{
    public string Name => typeof(TKernel).Name;

    public InstructionTier Tier => TKernel.Tier;

    public void Forward(WorkerPool pool, QuantizedActivations x, PackedMatrix weight, float* y, bool accumulate, Int8RowFactors rowFactors) =>
        Int8GemmDriver.Forward<TKernel>(pool, x, weight, y, accumulate, rowFactors);
}
