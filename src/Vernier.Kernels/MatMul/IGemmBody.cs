namespace Vernier.Kernels;

/// <summary>A body of y = x Ŵᵀ in fp32.</summary>
internal unsafe interface IGemmBody : IMatMulBody
{
    /// <summary>y [tokens, rows of the weight] = x Ŵᵀ, or y +=.</summary>
    void Forward(WorkerPool pool, float* x, int tokens, WeightMatrix weight, float* y, bool accumulate);
}
