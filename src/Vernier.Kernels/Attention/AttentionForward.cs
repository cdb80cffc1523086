using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>The tiled forward body of <see cref="Attention"/>, for training and for many queries against a cache.</summary>
/// <typeparam name="T">How keys and values are stored: float or Half.</typeparam>
internal unsafe struct AttentionForward<T> : IKernel
    where T : unmanaged
{
    [ThreadStatic]
    private static NativeBuffer<float>? t_scratch;

    public AttentionTiles Tiles;
    public float* Q;
    public T* K, V;
    public float* Output, LogSumExp;

    public readonly void Execute<L>(int worker, int workers)
        where L : unmanaged, ILanes<L>
    {
        var width = Tiles.Width<L>();
        var keyTiles = (Tiles.LongestKeys + AttentionTiles.Keys - 1) / AttentionTiles.Keys;
        long keySize = (long)keyTiles * AttentionTiles.Keys * Tiles.Shape.HeadDim, valueSize = (long)keyTiles * AttentionTiles.Keys * width;
        const int queries = AttentionTiles.Queries;
        var scratch = Scratch.Get(ref t_scratch, keySize + valueSize + queries * (2L * width + AttentionTiles.Keys + 2));
        var unit = new Unit<L>
        {
            Parent = this,
            Width = width,
            Keys = scratch,
            Values = scratch + keySize,
            Query = scratch + keySize + valueSize,
            Sum = scratch + keySize + valueSize + queries * width,
            Scores = scratch + keySize + valueSize + 2 * queries * width,
            Maximum = scratch + keySize + valueSize + queries * (2 * width + AttentionTiles.Keys),
            Total = scratch + keySize + valueSize + queries * (2 * width + AttentionTiles.Keys + 1),
        };
        var before = 0L;
        for (var s = 0; s < Tiles.Sequences; s++)
            for (var g = 0; g < Tiles.Shape.KvHeads; g++)
            {
                var packed = 0;
                for (var b = 0; b < Tiles.Blocks(s); b++)
                {
                    var cost = Tiles.UnitCost(s, b);
                    if (Tiles.Owner(before, cost, workers) == worker)
                        unit.Run(s, g, b, ref packed);
                    before += cost;
                }
            }
    }

    private struct Unit<L>
        where L : unmanaged, ILanes<L>
    {
        public AttentionForward<T> Parent;
        public int Width;

        /// <summary>Packed keys [tile][headDim, Keys] and values [keys, Width] of the head at hand; a tile of queries, of sums and of scores; running maxima and totals.</summary>
        public float* Keys, Values, Query, Sum, Scores, Maximum, Total;

        public readonly void Run(int sequence, int kvHead, int block, ref int packed)
        {
            ref readonly var tiles = ref Parent.Tiles;
            var (first, end) = tiles.Tiles(sequence, block);
            for (packed = Math.Max(packed, first); packed < end; packed++)
                Pack(sequence, kvHead, packed);
            for (var h = kvHead * tiles.Shape.Group; h < (kvHead + 1) * tiles.Shape.Group; h++)
                Head(sequence, h, block, first, end);
        }

        private readonly void Pack(int sequence, int kvHead, int tile)
        {
            ref readonly var tiles = ref Parent.Tiles;
            var shape = tiles.Shape;
            var rows = Math.Min(AttentionTiles.Keys, tiles.KeyCount(sequence) - tile * AttentionTiles.Keys);
            var at = ((long)tiles.Starts[sequence] + tile * AttentionTiles.Keys) * shape.KeyChannels + kvHead * shape.HeadDim;
            AttentionTiles.PackColumns(Parent.K + at, shape.KeyChannels, rows, shape.HeadDim, Keys + (long)tile * AttentionTiles.Keys * shape.HeadDim);
            AttentionTiles.PackRows<L, T>(Parent.V + at, shape.KeyChannels, rows, shape.HeadDim, 1f, Values + (long)tile * AttentionTiles.Keys * Width, Width);
        }

        private readonly void Head(int sequence, int head, int block, int firstTile, int endTile)
        {
            ref readonly var tiles = ref Parent.Tiles;
            var shape = tiles.Shape;
            var token = tiles.Starts[sequence] + block * AttentionTiles.Queries;
            var rows = Math.Min(AttentionTiles.Queries, tiles.Starts[sequence + 1] - token);
            var position = tiles.Past + block * AttentionTiles.Queries;
            AttentionTiles.PackRows<L, float>(Parent.Q + (long)token * shape.QueryChannels + head * shape.HeadDim, shape.QueryChannels, rows, shape.HeadDim, shape.Scale, Query, Width);
            for (var r = 0; r < rows; r++)
                (Maximum[r], Total[r]) = (float.NegativeInfinity, 0f);
            for (var tile = firstTile; tile < endTile; tile++)
            {
                var keys = Math.Min(AttentionTiles.Keys, position + rows - tile * AttentionTiles.Keys);
                var grain = TileProduct.ColumnGrain<L>();
                var columns = (keys + grain - 1) / grain * grain;
                TileProduct.Multiply<L>(
                    Query, Width, 1, Keys + (long)tile * AttentionTiles.Keys * shape.HeadDim, AttentionTiles.Keys, Scores, AttentionTiles.Keys,
                    rows, columns, shape.HeadDim, accumulate: false);
                for (var r = 0; r < rows; r++)
                    SoftmaxRow(r, position + r, tile, columns, tile > firstTile);
                TileProduct.Multiply<L>(
                    Scores, AttentionTiles.Keys, 1, Values + (long)tile * AttentionTiles.Keys * Width, Width, Sum, Width,
                    rows, Width, keys, accumulate: tile > firstTile);
            }
            Finish(token, head, rows);
        }

        /// <summary>Scores of one query become e^(score - maximum); where the maximum grows, what was summed so far shrinks.</summary>
        [MethodImpl(Kernel.Body)]
        private readonly void SoftmaxRow(int row, int position, int tile, int columns, bool rescale)
        {
            var scores = Scores + row * AttentionTiles.Keys;
            var (first, end) = Parent.Tiles.Visible(position, tile);
            if (Parent.Tiles.Shape.SoftCap != 0)
                SoftCap.Row<L>(scores, columns, Parent.Tiles.Shape.SoftCap);
            for (var j = 0; j < Math.Min(first, columns); j++)
                scores[j] = float.NegativeInfinity;
            for (var j = Math.Max(end, 0); j < columns; j++)
                scores[j] = float.NegativeInfinity;
            var old = Maximum[row];
            var maximum = MathF.Max(old, Reduce.Maximum<L>(scores, columns));
            if (maximum == float.NegativeInfinity)
            {
                new Span<float>(scores, columns).Clear();
                return;
            }
            var shrink = 1f;
            if (maximum > old)
            {
                shrink = MathF.Exp(old - maximum);
                Maximum[row] = maximum;
                if (rescale)
                    for (var c = 0; c < Width; c += L.Count)
                        (L.Load(Sum + row * Width + c) * L.Create(shrink)).Store(Sum + row * Width + c);
            }
            Total[row] = Total[row] * shrink + (float)Reduce.ExpSum<L>(scores, maximum, columns, scores);
        }

        [MethodImpl(Kernel.Body)]
        private readonly void Finish(int token, int head, int rows)
        {
            var shape = Parent.Tiles.Shape;
            for (var r = 0; r < rows; r++)
            {
                var output = Parent.Output + (long)(token + r) * shape.QueryChannels + head * shape.HeadDim;
                var inverse = 1f / Total[r];
                var sum = Sum + r * Width;
                var c = 0;
                for (; c <= shape.HeadDim - L.Count; c += L.Count)
                    (L.Load(sum + c) * L.Create(inverse)).Store(output + c);
                for (; c < shape.HeadDim; c++)
                    output[c] = sum[c] * inverse;
                if (Parent.LogSumExp is not null)
                    Parent.LogSumExp[(long)(token + r) * shape.Heads + head] = Maximum[r] + MathF.Log(Total[r]);
            }
        }
    }
}
