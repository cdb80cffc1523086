namespace Vernier.Kernels;

/// <summary>A body of the two gradients in fp32.</summary>
internal unsafe interface IGemmGradientBody : IMatMulBody
{
    /// <summary>dx [tokens, columns of the weight] = dy Ŵ, or dx +=.</summary>
    void BackwardInput(WorkerPool pool, float* dy, int tokens, WeightMatrix weight, float* dx, bool accumulate);

    /// <summary>G [out, in] = dyᵀ x, delivered in tiles.</summary>
    void WeightGradient(WorkerPool pool, float* dy, float* x, int tokens, int outFeatures, int inFeatures, IGradientTileSink sink);
}
