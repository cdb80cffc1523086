namespace Vernier.Kernels;

/// <summary>Input gradients for one scale a row: panels of columns with the innermost product of one width.</summary>
internal sealed unsafe class Int8RowScaledGradient<TKernel> : IInt8InputGradientBody
    where TKernel : IInt8GemmKernel
{
    public string Name => $"{nameof(RowScaledGradient)} {typeof(TKernel).Name}";

    public InstructionTier Tier => TKernel.Tier;

    public void Multiply(WorkerPool pool, QuantizedGradient quantized, float* dy, int tokens, PackedMatrix weight, uint key, float* dx, bool accumulate) =>
        Int8InputGradient.Multiply<TKernel, RowScaledOperand>(pool, quantized.TakeRowScaled(pool, dy, tokens, weight, key), tokens, weight, dx, accumulate);
}
