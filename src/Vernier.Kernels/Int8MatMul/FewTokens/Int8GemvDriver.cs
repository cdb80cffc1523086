namespace Vernier.Kernels;

/// <summary>Integer products for the few tokens of decoding: the packed rows stream by once, in order.</summary>
internal static unsafe class Int8GemvDriver
{
    // That workers take.
    private const int RowsOfBlock = 8;

    // Of codes, taken at a time at least: about a microsecond of reading.
    private const int LeastBytes = 16384;

    /// <param name="count">Of the products.</param>
    /// <param name="accumulate">Add to the outputs instead of overwriting them.</param>
    /// <param name="rowFactors">Not where products are added.</param>
    public static void Forward(WorkerPool pool, QuantizedActivations x, in Int8Products products, int count, bool accumulate, Int8RowFactors rowFactors)
    {
        for (var i = 0; i < count; i++)
            if (products[i].Weight.HasHalfGroups)
                x.SumHalves(pool);
        var job = new Job { Pool = pool, X = x, Products = products, Count = count, Accumulate = accumulate, RowFactors = rowFactors };
        pool.Shares.Deal(job.Blocks, (int)(LeastBytes / (RowsOfBlock * (long)products[0].Weight.RowBytes)));
        pool.Run(ref job);
    }

    // Workers share the rows of all weights, laid end to end: one pass over q, k and v, or over gate and up.
    private struct Job : IParallelJob
    {
        public WorkerPool Pool;
        public QuantizedActivations X;
        public Int8Products Products;
        public int Count;
        public bool Accumulate;
        public Int8RowFactors RowFactors;

        public readonly int Blocks
        {
            get
            {
                var blocks = 0;
                for (var i = 0; i < Count; i++)
                    blocks += BlocksOf(i);
                return blocks;
            }
        }

        public readonly void Execute(int worker, int workers)
        {
            var (part, at) = (default(Int8GemvPart), -1);
            while (Pool.Shares.Take(worker, out var start, out var end))
                for (var i = 0; end > 0; i++)
                {
                    var count = BlocksOf(i);
                    if (start < count)
                    {
                        var weight = Products[i].Weight;
                        if (at != i)
                            part = part.Fits(Products[i]) ? new Int8GemvPart(part, Products[i]) : new Int8GemvPart(Pool, worker, X, Products[i], Accumulate);
                        at = i;
                        var (top, bottom) = (start * RowsOfBlock, Math.Min(Math.Min(end, count) * RowsOfBlock, weight.Rows));
                        RowFactors.Fetch(top, bottom);
                        part.Run(top, bottom);
                        RowFactors.Multiply(Products[i].Output, weight.Rows, top, bottom);
                    }
                    (start, end) = (Math.Max(0, start - count), end - count);
                }
        }

        private readonly int BlocksOf(int product) => (Products[product].Weight.Rows - 1) / RowsOfBlock + 1;
    }
}
