namespace Vernier.Kernels;

/// <summary>Panels of columns with the innermost product of one width.</summary>
internal sealed unsafe class Int8InputGradientPanels<TKernel> : IInt8InputGradientBody
    where TKernel : IInt8GemmKernel
{
    public string Name => typeof(TKernel).Name;

    public InstructionTier Tier => TKernel.Tier;

    public void Multiply(WorkerPool pool, QuantizedGradient quantized, float* dy, int tokens, PackedMatrix weight, uint key, float* dx, bool accumulate)
    {
        if (weight.Groups == 1)
            Int8InputGradient.Multiply<TKernel, RowScaledOperand>(pool, quantized.TakeRowScaled(pool, dy, tokens, weight, key), tokens, weight, dx, accumulate);
        else
            Int8InputGradient.Multiply<TKernel, GroupScaledOperand>(pool, quantized.TakeGroupScaled(TKernel.Tier, pool, dy, tokens, weight, key), tokens, weight, dx, accumulate);
    }
}
