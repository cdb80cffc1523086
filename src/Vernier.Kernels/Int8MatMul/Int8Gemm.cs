namespace Vernier.Kernels;

/// <summary>Y = X Ŵᵀ for inference in integers: codes of the weight times codes of the activations, summed exactly group by group,
/// then scaled; the offset is multiplied by the sum of a group's activations: Σ (s c + o) a q = s a Σ c q + o a Σ q.</summary>
internal static unsafe class Int8Gemm
{
    // That workers take of few tokens' products.
    private const int RowsOfBlock = 8;

    // Of codes, taken at a time at least: about a microsecond of reading.
    private const int LeastBytes = 16384;

    /// <summary>Whether a weight can be multiplied this way: its codes stand for integers, and its groups are runs of columns, if need be in
    /// <see cref="PackedMatrix.Order"/>, and whole groups of activations.</summary>
    public static bool Supports(PackedMatrix weight) => weight.HasIntegerGroups;

    /// <summary>y [tokens, out] = x Ŵᵀ, or y += with <paramref name="accumulate"/>.</summary>
    /// <exception cref="ArgumentException">The sizes do not fit, or the activations were taken in another order of columns than the weight's.</exception>
    /// <exception cref="NotSupportedException">The weight is not one that <see cref="Supports"/> allows.</exception>
    public static void Forward(WorkerPool pool, QuantizedActivations x, PackedMatrix weight, Span<float> y, bool accumulate = false) =>
        Forward(InstructionTiers.Best, pool, x, weight, y, accumulate);

    /// <summary>Up to three products of one input, for few tokens in one pass over the weights: q, k and v, or gate and up.</summary>
    /// <param name="second">Null = there is none.</param>
    /// <param name="third">Null = there is none.</param>
    /// <inheritdoc cref="Forward(WorkerPool, QuantizedActivations, PackedMatrix, Span{float}, bool)"/>
    public static void Forward(
        WorkerPool pool, QuantizedActivations x, PackedMatrix first, Span<float> y1, PackedMatrix? second, Span<float> y2, PackedMatrix? third = null, Span<float> y3 = default)
    {
        Check(x, first, y1.Length);
        if (second is not null)
            Check(x, second, y2.Length);
        if (third is not null)
            Check(x, third, y3.Length);
        var products = default(Int8Products);
        var count = 1;
        fixed (float* p1 = y1, p2 = y2, p3 = y3)
        {
            products[0] = new() { Weight = first, Output = p1 };
            if (second is not null)
                products[count++] = new() { Weight = second, Output = p2 };
            if (third is not null)
                products[count++] = new() { Weight = third, Output = p3 };
            if (x.Tokens > 0)
                Forward(InstructionTiers.Best, pool, x, ref products, count);
        }
    }

    /// <summary>y [tokens, out] = x Ŵᵀ, each token's products multiplied by factors of their own.</summary>
    /// <param name="rowFactors">[tokens] of [out] each; null = ones, for one token or for all.</param>
    /// <inheritdoc cref="Forward(WorkerPool, QuantizedActivations, PackedMatrix, Span{float}, bool)"/>
    public static void Forward(WorkerPool pool, QuantizedActivations x, PackedMatrix weight, float[]?[]? rowFactors, Span<float> y) =>
        Forward(InstructionTiers.Best, pool, x, weight, rowFactors, y);

    internal static void Forward(InstructionTier tier, WorkerPool pool, QuantizedActivations x, PackedMatrix weight, float[]?[]? rowFactors, Span<float> y)
    {
        Check(x, weight, y.Length);
        if (rowFactors is not null && rowFactors.Length != x.Tokens)
            throw new ArgumentException($"Factors of {rowFactors.Length} tokens for {x.Tokens}.", nameof(rowFactors));
        if (x.Tokens > 0)
            Forward(Int8Bodies.Forward.Choose(tier, MatMulShape.Of(weight, x.Tokens)), pool, x, weight, y, accumulate: false, new Int8RowFactors(rowFactors));
    }

    internal static void Forward(InstructionTier tier, WorkerPool pool, QuantizedActivations x, PackedMatrix weight, Span<float> y, bool accumulate)
    {
        Check(x, weight, y.Length);
        if (x.Tokens > 0)
            Forward(Int8Bodies.Forward.Choose(tier, MatMulShape.Of(weight, x.Tokens)), pool, x, weight, y, accumulate);
    }

    /// <summary>Whether <see cref="BackwardInput(WorkerPool, ReadOnlySpan{float}, int, PackedMatrix, uint, QuantizedGradient, Span{float}, bool)"/> serves this weight on this machine.</summary>
    public static bool SupportsBackward(PackedMatrix weight) => Supports(weight) && Int8Bodies.InputGradient.Serves(InstructionTiers.Best, MatMulShape.Of(weight, 1));

    /// <summary>dx [tokens, in] = dy Ŵ, or dx += with <paramref name="accumulate"/>: dy times the scales is rounded at random to 8 bits per token,
    /// group of 32 rows and group of the weight's columns, so that dx has the right mean.</summary>
    /// <param name="dy">[tokens, out].</param>
    /// <param name="key">Same key, same roundings.</param>
    /// <param name="quantized">Memory for the rounded gradient.</param>
    /// <exception cref="ArgumentException">The sizes do not fit.</exception>
    /// <exception cref="NotSupportedException">The weight is not one that <see cref="SupportsBackward"/> allows.</exception>
    public static void BackwardInput(WorkerPool pool, ReadOnlySpan<float> dy, int tokens, PackedMatrix weight, uint key, QuantizedGradient quantized, Span<float> dx, bool accumulate = false) =>
        BackwardInput(InstructionTiers.Best, pool, dy, tokens, weight, key, quantized, dx, accumulate);

    internal static void BackwardInput(
        InstructionTier tier, WorkerPool pool, ReadOnlySpan<float> dy, int tokens, PackedMatrix weight, uint key, QuantizedGradient quantized, Span<float> dx, bool accumulate)
    {
        var shape = MatMulShape.Of(weight, tokens);
        if (!Supports(weight) || !Int8Bodies.InputGradient.Serves(tier, shape))
            throw new NotSupportedException("Integer gradients need codes that stand for themselves, groups that are multiples of 32 columns, and 256-bit vectors.");
        if ((long)tokens * weight.Rows > dy.Length)
            throw new ArgumentException($"{dy.Length} elements for {tokens} tokens of {weight.Rows} features.", nameof(dy));
        if ((long)tokens * weight.Columns > dx.Length)
            throw new ArgumentException($"{dx.Length} elements for {tokens} tokens of {weight.Columns} features.", nameof(dx));
        if (tokens > 0)
            BackwardInput(Int8Bodies.InputGradient.Choose(tier, shape), pool, dy, tokens, weight, key, quantized, dx, accumulate);
    }

    /// <summary>An input gradient by a body that serves it.</summary>
    internal static void BackwardInput(
        IInt8InputGradientBody body, WorkerPool pool, ReadOnlySpan<float> dy, int tokens, PackedMatrix weight, uint key, QuantizedGradient quantized, Span<float> dx, bool accumulate)
    {
        fixed (float* from = dy, to = dx)
            if (weight.Order is null)
            {
                body.Multiply(pool, quantized, from, tokens, weight, key, to, accumulate);
            }
            else
            {
                var places = quantized.InOrder(tokens, weight.Columns);
                body.Multiply(pool, quantized, from, tokens, weight, key, places, accumulate: false);
                weight.Order.Restore(pool, places, tokens, to, accumulate);
            }
    }

    /// <summary>One product by a body that serves it.</summary>
    internal static void Forward(IMatMulBody body, WorkerPool pool, QuantizedActivations x, PackedMatrix weight, Span<float> y, bool accumulate, Int8RowFactors rowFactors = default)
    {
        fixed (float* to = y)
            Forward(body, pool, x, weight, to, accumulate, rowFactors);
    }

    private static void Forward(IMatMulBody body, WorkerPool pool, QuantizedActivations x, PackedMatrix weight, float* y, bool accumulate, Int8RowFactors rowFactors)
    {
        if (body is IInt8GemmBody many)
        {
            many.Forward(pool, x, weight, y, accumulate, rowFactors);
            return;
        }
        var products = default(Int8Products);
        products[0] = new() { Weight = weight, Output = y, Plan = Int8Bodies.Plan((IInt8GemvBody)body, MatMulShape.Of(weight, x.Tokens)) };
        Stream(pool, x, products, 1, accumulate, rowFactors);
    }

    // Products whose bodies are all ones for few tokens go in one pass over their weights, others one after the other.
    private static void Forward(InstructionTier tier, WorkerPool pool, QuantizedActivations x, ref Int8Products products, int count)
    {
        Span<IMatMulBody?> bodies = [null, null, null];
        var together = true;
        for (var i = 0; i < count; i++)
        {
            var shape = MatMulShape.Of(products[i].Weight, x.Tokens);
            bodies[i] = Int8Bodies.Forward.Choose(tier, shape);
            if (bodies[i] is IInt8GemvBody few)
                products[i].Plan = Int8Bodies.Plan(few, shape);
            else
                together = false;
        }
        if (together)
            Stream(pool, x, products, count, accumulate: false, default);
        else
            for (var i = 0; i < count; i++)
                Forward(bodies[i]!, pool, x, products[i].Weight, products[i].Output, accumulate: false, default);
    }

    // Few tokens: the packed rows of all weights stream by once, in order.
    private static void Stream(WorkerPool pool, QuantizedActivations x, in Int8Products products, int count, bool accumulate, Int8RowFactors rowFactors)
    {
        for (var i = 0; i < count; i++)
            if (products[i].Weight.HasHalfGroups)
                x.SumHalves(pool);
        var job = new StreamJob { Pool = pool, X = x, Products = products, Count = count, Accumulate = accumulate, RowFactors = rowFactors };
        pool.Shares.Deal(job.Blocks, (int)(LeastBytes / (RowsOfBlock * (long)products[0].Weight.RowBytes)));
        pool.Run(ref job);
    }

    private static void Check(QuantizedActivations x, PackedMatrix weight, int length)
    {
        if (!Supports(weight))
            throw new NotSupportedException($"Integer products need groups that are runs of {PackedMatrix.HalfBlockSize} or a multiple of {QuantizedActivations.GroupSize} columns, and no codebook but one of integers; groups here are {weight.GroupSize}{(weight.GroupIndex.IsEmpty || weight.Order is not null ? "" : " and others")}.");
        if (x.Order != weight.Order)
            throw new ArgumentException("The activations' columns are in another order than the weight's.", nameof(x));
        if (x.Columns != weight.Columns)
            throw new ArgumentException($"Activations of {x.Columns} columns for a weight of {weight.Columns}.", nameof(x));
        if ((long)x.Tokens * weight.Rows > length)
            throw new ArgumentException($"{length} elements for {x.Tokens} tokens of {weight.Rows} features.");
    }

    // Workers share the rows of all weights, laid end to end: one pass over q, k and v, or over gate and up.
    private struct StreamJob : IParallelJob
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
