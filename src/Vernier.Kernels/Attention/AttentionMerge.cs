namespace Vernier.Kernels;

/// <summary>Merges the outputs of <see cref="AttentionDecode{T}"/>'s chunks, each weighted by its share of the softmax.</summary>
internal unsafe struct AttentionMerge : IKernel
{
    public AttentionShape Shape;

    /// <summary>[kvHeads, Chunks, Rows, headDim + 2]: maximum, total, sum of values.</summary>
    public float* Partial;

    public float* Output;
    public int Rows, FirstChunk, Chunks;

    public readonly void Execute<L>(int worker, int workers)
        where L : unmanaged, ILanes<L>
    {
        var (start, end) = Kernel.Share(Shape.KvHeads * Rows, worker, workers);
        for (var unit = start; unit < end; unit++)
            Merge<L>(unit / Rows, unit % Rows);
    }

    private readonly void Merge<L>(int kvHead, int row)
        where L : unmanaged, ILanes<L>
    {
        var dim = Shape.HeadDim;
        var output = Output + (long)(row / Shape.Group) * Shape.QueryChannels + (kvHead * Shape.Group + row % Shape.Group) * dim;
        var maximum = float.NegativeInfinity;
        for (var chunk = FirstChunk; chunk < Chunks; chunk++)
            maximum = MathF.Max(maximum, At(kvHead, chunk, row)[0]);
        var total = 0f;
        new Span<float>(output, dim).Clear();
        for (var chunk = FirstChunk; chunk < Chunks; chunk++)
        {
            var partial = At(kvHead, chunk, row);
            var weight = MathF.Exp(partial[0] - maximum);
            total += weight * partial[1];
            for (var c = 0; c < dim; c++)
                output[c] += weight * partial[2 + c];
        }
        for (var c = 0; c < dim; c++)
            output[c] /= total;
    }

    private readonly float* At(int kvHead, int chunk, int row) => Partial + (((long)kvHead * Chunks + chunk) * Rows + row) * (Shape.HeadDim + 2);
}
