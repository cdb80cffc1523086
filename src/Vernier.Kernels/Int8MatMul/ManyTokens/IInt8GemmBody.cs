namespace Vernier.Kernels;

/// <summary>A body of integer products of many tokens.</summary>
internal unsafe interface IInt8GemmBody : IMatMulBody
{
    /// <summary>y [tokens, rows of the weight] = x Ŵᵀ, or y +=.</summary>
    /// <param name="rowFactors">Not with <paramref name="accumulate"/>.</param>
    void Forward(WorkerPool pool, QuantizedActivations x, PackedMatrix weight, float* y, bool accumulate, Int8RowFactors rowFactors);
}
