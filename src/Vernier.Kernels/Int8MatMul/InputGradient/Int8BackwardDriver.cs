namespace Vernier.Kernels;

/// <summary>dX = dY Ŵ in integers for one scale a row: columns of the weight are gathered into panels once and meet all tokens there.
/// The scales are in the gradient already, see <see cref="QuantizedActivations.QuantizeGradient"/>.</summary>
internal static unsafe class Int8BackwardDriver
{
    /// <summary>Panels at once: half of the second-level cache.</summary>
    public const int MaxPanelBytes = 384 << 10;

    public static void Backward<TKernel>(WorkerPool pool, QuantizedActivations dy, PackedMatrix weight, float* dx, bool accumulate)
        where TKernel : IInt8GemmKernel
    {
        if (Int8PanelCodes.AreWide(weight.Bits))
            dy.Widen();
        var job = new Job<TKernel> { Pool = pool, Gradient = dy, Weight = weight, InputGradient = dx, Accumulate = accumulate };
        pool.Run(ref job);
    }

    private struct Job<TKernel> : IParallelJob
        where TKernel : IInt8GemmKernel
    {
        public WorkerPool Pool;
        public QuantizedActivations Gradient;
        public PackedMatrix Weight;
        public float* InputGradient;
        public bool Accumulate;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = WorkSplit.Share((Weight.Columns - 1) / TKernel.Rows + 1, worker, workers);
            if (start == end)
                return;
            var panels = new Int8ColumnPanels(Weight, Gradient.Stride, TKernel.Rows);
            var atOnce = (int)Math.Clamp(MaxPanelBytes / panels.Bytes, 1, end - start);
            var scratch = Pool.WorkerScratch(worker, atOnce * panels.Bytes / sizeof(float) + TKernel.Rows);
            var ones = scratch + atOnce * panels.Bytes / sizeof(float);
            new Span<float>(ones, TKernel.Rows).Fill(1f);
            for (var first = start; first < end; first += atOnce)
            {
                var count = Math.Min(atOnce, end - first);
                for (var p = 0; p < count; p++)
                    panels.Gather((byte*)scratch + p * panels.Bytes, (first + p) * TKernel.Rows);
                for (var token = 0; token < Gradient.Tokens; token += TKernel.Tokens)
                    for (var p = 0; p < count; p++)
                    {
                        var column = (first + p) * TKernel.Rows;
                        Int8GemmDriver.MultiplyTile<TKernel>(panels.Panel((byte*)scratch + p * panels.Bytes, ones, ones), Gradient.From(token, Weight.Bits),
                            Math.Min(TKernel.Tokens, Gradient.Tokens - token), Math.Min(TKernel.Rows, Weight.Columns - column),
                            InputGradient + (long)token * Weight.Columns + column, Weight.Columns, Accumulate);
                    }
            }
        }
    }
}
