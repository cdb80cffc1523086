using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>The tiled backward body of <see cref="Attention"/>: with P = e^(S - logSumExp), dP = dO Vᵀ, D = rowsum(dO ∘ O),
/// dS = P ∘ (dP - D): dQ = dS K, dK = dSᵀ Q, dV = Pᵀ dO (times the scale). A worker sums dK and dV over its run of query blocks;
/// where a key/value head is shared by several workers, their sums are added by <see cref="AttentionReduction"/> in the order of workers.</summary>
internal unsafe struct AttentionBackward : IKernel
{
    [ThreadStatic]
    private static NativeBuffer<float>? t_scratch;

    public AttentionTiles Tiles;
    public float* Q, K, V, Output, LogSumExp, OutputGrad, QGrad, KGrad, VGrad;

    /// <summary>[workers, 2] sums of heads that a worker shares with others, each dK then dV, [keys of the longest sequence, headDim].</summary>
    public float* Partial;

    /// <summary>[workers, 2]: which pair (sequence * KvHeads + kvHead) a partial sum belongs to, -1 for none.</summary>
    public int* PartialPairs;

    /// <summary>Floats of one of dK and dV in a partial sum.</summary>
    public readonly long PartialSize => (long)Tiles.LongestKeys * Tiles.Shape.HeadDim;

    public readonly void Execute<L>(int worker, int workers)
        where L : unmanaged, ILanes<L>
    {
        const int queries = AttentionTiles.Queries, keys = AttentionTiles.Keys;
        var width = Tiles.Width<L>();
        var keyRows = (long)((Tiles.LongestKeys + keys - 1) / keys) * keys;
        var (columns, rows) = (keyRows * Tiles.Shape.HeadDim, keyRows * width);
        var at = Scratch.Get(ref t_scratch, 2 * columns + 3 * rows + queries * (3L * width + 2 * keys + 2));
        var unit = new Unit<L> { Parent = this, Width = width };
        unit.KeyColumns = Take(ref at, columns);
        unit.ValueColumns = Take(ref at, columns);
        unit.KeyRows = Take(ref at, rows);
        unit.KeySum = Take(ref at, rows);
        unit.ValueSum = Take(ref at, rows);
        unit.Query = Take(ref at, queries * width);
        unit.OutputGrad = Take(ref at, queries * width);
        unit.QuerySum = Take(ref at, queries * width);
        unit.Scores = Take(ref at, queries * keys);
        unit.ScoreGrads = Take(ref at, queries * keys);
        unit.Delta = Take(ref at, queries);
        unit.Log = Take(ref at, queries);
        var before = 0L;
        var slot = 0;
        for (var s = 0; s < Tiles.Sequences; s++)
            for (var g = 0; g < Tiles.Shape.KvHeads; g++)
            {
                var (packed, done, blocks) = (0, 0, Tiles.Blocks(s));
                for (var b = 0; b < blocks; b++)
                {
                    var cost = Tiles.UnitCost(s, b);
                    if (Tiles.Owner(before, cost, workers) == worker)
                    {
                        if (done++ == 0)
                            unit.ClearSums(s);
                        unit.Run(s, g, b, ref packed);
                    }
                    before += cost;
                }
                if (done == blocks)
                    unit.StoreSums(s, KGrad + KeyOffset(s, g), VGrad + KeyOffset(s, g), Tiles.Shape.KeyChannels);
                else if (done > 0)
                {
                    PartialPairs[2 * worker + slot] = s * Tiles.Shape.KvHeads + g;
                    var partial = Partial + (2 * worker + slot++) * 2 * PartialSize;
                    unit.StoreSums(s, partial, partial + PartialSize, Tiles.Shape.HeadDim);
                }
            }
    }

    private readonly long KeyOffset(int sequence, int kvHead) =>
        (long)Tiles.Starts[sequence] * Tiles.Shape.KeyChannels + kvHead * Tiles.Shape.HeadDim;

    private static float* Take(ref float* at, long length)
    {
        var taken = at;
        at += length;
        return taken;
    }

    private struct Unit<L>
        where L : unmanaged, ILanes<L>
    {
        public AttentionBackward Parent;
        public int Width;

        /// <summary>Of the head at hand: keys and values packed [tile][headDim, Keys], keys and the sums of dK and dV [keys, Width].</summary>
        public float* KeyColumns, ValueColumns, KeyRows, KeySum, ValueSum;

        /// <summary>Of the block at hand: scaled q, dO and the sum of dQ [Queries, Width], P and dS [Queries, Keys], D and logSumExp [Queries].</summary>
        public float* Query, OutputGrad, QuerySum, Scores, ScoreGrads, Delta, Log;

        public readonly void ClearSums(int sequence)
        {
            var floats = (nuint)(Parent.Tiles.Tiles(sequence, Parent.Tiles.Blocks(sequence) - 1).End * AttentionTiles.Keys) * (nuint)Width;
            System.Runtime.InteropServices.NativeMemory.Clear(KeySum, floats * sizeof(float));
            System.Runtime.InteropServices.NativeMemory.Clear(ValueSum, floats * sizeof(float));
        }

        public readonly void StoreSums(int sequence, float* keyGrad, float* valueGrad, int stride)
        {
            var dim = Parent.Tiles.Shape.HeadDim;
            for (var j = 0; j < Parent.Tiles.KeyCount(sequence); j++)
            {
                new Span<float>(KeySum + (long)j * Width, dim).CopyTo(new Span<float>(keyGrad + (long)j * stride, dim));
                new Span<float>(ValueSum + (long)j * Width, dim).CopyTo(new Span<float>(valueGrad + (long)j * stride, dim));
            }
        }

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
            var (dim, stride) = (tiles.Shape.HeadDim, tiles.Shape.KeyChannels);
            var row = (long)tile * AttentionTiles.Keys;
            var rows = Math.Min(AttentionTiles.Keys, tiles.KeyCount(sequence) - tile * AttentionTiles.Keys);
            var at = Parent.KeyOffset(sequence, kvHead) + row * stride;
            AttentionTiles.PackColumns(Parent.K + at, stride, rows, dim, KeyColumns + row * dim);
            AttentionTiles.PackColumns(Parent.V + at, stride, rows, dim, ValueColumns + row * dim);
            AttentionTiles.PackRows<L, float>(Parent.K + at, stride, rows, dim, 1f, KeyRows + row * Width, Width);
        }

        private readonly void Head(int sequence, int head, int block, int firstTile, int endTile)
        {
            ref readonly var tiles = ref Parent.Tiles;
            var shape = tiles.Shape;
            var (dim, stride) = (shape.HeadDim, shape.QueryChannels);
            const int keyStride = AttentionTiles.Keys;
            var token = tiles.Starts[sequence] + block * AttentionTiles.Queries;
            var position = block * AttentionTiles.Queries;
            var rows = Math.Min(AttentionTiles.Queries, tiles.Starts[sequence + 1] - token);
            var at = (long)token * stride + head * dim;
            AttentionTiles.PackRows<L, float>(Parent.Q + at, stride, rows, dim, shape.Scale, Query, Width);
            AttentionTiles.PackRows<L, float>(Parent.OutputGrad + at, stride, rows, dim, 1f, OutputGrad, Width);
            for (var r = 0; r < rows; r++)
            {
                Delta[r] = Reduce.Dot<L>(Parent.OutputGrad + at + (long)r * stride, Parent.Output + at + (long)r * stride, dim);
                Log[r] = Parent.LogSumExp[(long)(token + r) * shape.Heads + head];
            }
            for (var tile = firstTile; tile < endTile; tile++)
            {
                var row = (long)tile * keyStride;
                var keys = Math.Min(keyStride, position + rows - tile * keyStride);
                var grain = TileProduct.ColumnGrain<L>();
                var columns = (keys + grain - 1) / grain * grain;
                TileProduct.Multiply<L>(Query, Width, 1, KeyColumns + row * dim, keyStride, Scores, keyStride, rows, columns, dim, false);
                TileProduct.Multiply<L>(OutputGrad, Width, 1, ValueColumns + row * dim, keyStride, ScoreGrads, keyStride, rows, columns, dim, false);
                for (var r = 0; r < rows; r++)
                    ScoreRow(r, position + r, tile, columns);
                TileProduct.Multiply<L>(Scores, 1, keyStride, OutputGrad, Width, ValueSum + row * Width, Width, keys, Width, rows, true);
                TileProduct.Multiply<L>(ScoreGrads, 1, keyStride, Query, Width, KeySum + row * Width, Width, keys, Width, rows, true);
                TileProduct.Multiply<L>(ScoreGrads, keyStride, 1, KeyRows + row * Width, Width, QuerySum, Width, rows, Width, keys, tile > firstTile);
            }
            for (var r = 0; r < rows; r++)
                for (var c = 0; c < dim; c++)
                    Parent.QGrad[at + (long)r * stride + c] = QuerySum[r * Width + c] * shape.Scale;
        }

        /// <summary>Scores of one query become probabilities, dP becomes dS; keys that it does not see get 0.</summary>
        [MethodImpl(Kernel.Body)]
        private readonly void ScoreRow(int row, int position, int tile, int columns)
        {
            var scores = Scores + row * AttentionTiles.Keys;
            var grads = ScoreGrads + row * AttentionTiles.Keys;
            var (first, end) = Parent.Tiles.Visible(position, tile);
            var cap = Parent.Tiles.Shape.SoftCap;
            if (cap != 0)
                SoftCap.Row<L>(scores, columns, cap);
            for (var j = 0; j < Math.Min(first, columns); j++)
                scores[j] = float.NegativeInfinity;
            for (var j = Math.Max(end, 0); j < columns; j++)
                scores[j] = float.NegativeInfinity;
            var (log, delta) = (L.Create(Log[row]), L.Create(Delta[row]));
            if (cap != 0)
            {
                for (var j = 0; j < columns; j += L.Count)
                    ((L.Load(grads + j) - delta) * SoftCap.Slope(L.Load(scores + j), cap)).Store(grads + j);
                delta = L.Create(0f); // it is taken away
            }
            for (var j = 0; j < columns; j += L.Count)
            {
                var p = LaneMath.Exp(L.Load(scores + j) - log);
                p.Store(scores + j);
                (p * (L.Load(grads + j) - delta)).Store(grads + j);
            }
            // the products with Pᵀ and dSᵀ round their rows, which are these columns, up
            for (var j = columns; j < Math.Min(AttentionTiles.Keys, columns + TileProduct.RowGrain); j++)
                (scores[j], grads[j]) = (0f, 0f);
        }
    }
}
