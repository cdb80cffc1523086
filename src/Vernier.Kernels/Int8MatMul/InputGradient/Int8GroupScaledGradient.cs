namespace Vernier.Kernels;

/// <summary>Input gradients for scales of groups of columns: panels with the innermost product of one width, and the rounding of gradients that feeds it.</summary>
internal sealed unsafe class Int8GroupScaledGradient<TKernel, TRounding> : IInt8InputGradientBody
    where TKernel : IInt8GemmKernel
    where TRounding : struct, IStochasticRounding
{
    public string Name => $"{typeof(TRounding).Name} {typeof(TKernel).Name}";

    public InstructionTier Tier => TKernel.Tier;

    public void Multiply(WorkerPool pool, QuantizedGradient quantized, float* dy, int tokens, PackedMatrix weight, uint key, float* dx, bool accumulate) =>
        Int8InputGradient.Multiply<TKernel, GroupScaledOperand<TRounding>>(
            pool, quantized.TakeGroupScaled<TRounding>(pool, dy, tokens, weight, key), tokens, weight, dx, accumulate);
}
