namespace Vernier.Kernels;

/// <summary>A body of integer input gradients.</summary>
internal unsafe interface IInt8InputGradientBody : IMatMulBody
{
    /// <summary>dx [tokens, columns of the weight] = dy [tokens, rows] Ŵ, or dx +=.</summary>
    void Multiply(WorkerPool pool, QuantizedGradient quantized, float* dy, int tokens, PackedMatrix weight, uint key, float* dx, bool accumulate);
}
