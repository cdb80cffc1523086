namespace Vernier.Kernels;

/// <summary>The same products in fp32, of the rounded activations: without products of bytes the floating-point units are three times as fast.</summary>
internal sealed unsafe class Int8GemmWithoutVectors : IInt8GemmBody
{
    public InstructionTier Tier => InstructionTier.Scalar;

    public void Forward(WorkerPool pool, QuantizedActivations x, PackedMatrix weight, float* y, bool accumulate, Int8RowFactors rowFactors)
    {
        Gemm.Forward(InstructionTier.Scalar, pool, x.Values(pool), x.Tokens, weight, new Span<float>(y, x.Tokens * weight.Rows), accumulate);
        rowFactors.Multiply(y, weight.Rows, 0, weight.Rows);
    }
}
