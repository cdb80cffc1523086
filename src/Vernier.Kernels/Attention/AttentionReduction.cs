namespace Vernier.Kernels;

/// <summary>Adds up the dK and dV of the key/value heads whose query blocks several workers of <see cref="AttentionBackward"/> shared.</summary>
internal unsafe struct AttentionReduction : IKernel
{
    public AttentionBackward Backward;

    /// <summary>Partial sums there are: two a worker.</summary>
    public int Slots;

    public readonly void Execute<L>(int worker, int workers)
        where L : unmanaged, ILanes<L>
    {
        var shape = Backward.Tiles.Shape;
        var previous = -1;
        for (var slot = 0; slot < Slots; slot++)
        {
            var pair = Backward.PartialPairs[slot];
            if (pair < 0)
                continue;
            var (sequence, kvHead) = (pair / shape.KvHeads, pair % shape.KvHeads);
            var (start, end) = WorkSplit.Share(Backward.Tiles.KeyCount(sequence), worker, workers);
            var partial = Backward.Partial + slot * 2 * Backward.PartialSize;
            for (var j = start; j < end; j++)
            {
                var at = ((long)Backward.Tiles.Starts[sequence] + j) * shape.KeyChannels + kvHead * shape.HeadDim;
                Put(partial + (long)j * shape.HeadDim, Backward.KGrad + at, shape.HeadDim, pair == previous);
                Put(partial + Backward.PartialSize + (long)j * shape.HeadDim, Backward.VGrad + at, shape.HeadDim, pair == previous);
            }
            previous = pair;
        }
    }

    /// <summary>The first partial sum of a pair overwrites, the others add.</summary>
    private static void Put(float* source, float* destination, int count, bool add)
    {
        for (var c = 0; c < count; c++)
            destination[c] = add ? destination[c] + source[c] : source[c];
    }
}
