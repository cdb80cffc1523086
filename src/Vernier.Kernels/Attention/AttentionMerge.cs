using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Merges the outputs of <see cref="AttentionDecode{T}"/>'s chunks, each weighted by its share of the softmax.</summary>
internal unsafe struct AttentionMerge : IKernel
{
    public AttentionShape Shape;

    /// <summary>[kvHeads, Chunks, Rows, headDim + 2]: maximum, total, sum of values. The maximum becomes the chunk's weight.</summary>
    public float* Partial;

    public float* Output;
    public int Rows, Chunks;

    public readonly void Execute<L>(int worker, int workers)
        where L : unmanaged, ILanes<L>
    {
        var (start, end) = WorkSplit.Share(Shape.KvHeads * Rows, worker, workers);
        for (var unit = start; unit < end; unit++)
            Merge<L>(unit / Rows, unit % Rows);
    }

    [MethodImpl(Kernel.Body)]
    private readonly void Merge<L>(int kvHead, int row)
        where L : unmanaged, ILanes<L>
    {
        var dim = Shape.HeadDim;
        var step = (long)Rows * (dim + 2); // from chunk to chunk
        var first = Partial + ((long)kvHead * Chunks * Rows + row) * (dim + 2);
        var end = first + Chunks * step;
        var maximum = float.NegativeInfinity;
        for (var chunk = first; chunk < end; chunk += step)
            maximum = MathF.Max(maximum, chunk[0]);
        var total = 0f;
        for (var chunk = first; chunk < end; chunk += step)
        {
            chunk[0] = MathF.Exp(chunk[0] - maximum);
            total += chunk[0] * chunk[1];
        }
        var inverse = 1f / total;
        var output = Output + Shape.RowOffset(kvHead, row);
        var c = 0;
        for (; c <= dim - L.Count; c += L.Count)
        {
            var sum = L.Create(0f);
            for (var chunk = first; chunk < end; chunk += step)
                sum = L.MultiplyAdd(L.Create(chunk[0]), L.Load(chunk + 2 + c), sum);
            (sum * L.Create(inverse)).Store(output + c);
        }
        for (; c < dim; c++)
        {
            var sum = 0f;
            for (var chunk = first; chunk < end; chunk += step)
                sum += chunk[0] * chunk[2 + c];
            output[c] = sum * inverse;
        }
    }
}
