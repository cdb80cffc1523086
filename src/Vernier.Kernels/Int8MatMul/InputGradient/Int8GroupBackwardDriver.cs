namespace Vernier.Kernels;

/// <summary>dX = dY Ŵ in integers for scales of groups of columns. Every group has its own product of gradient and scales, which is rounded at
/// random a few tokens at a time, just before it meets the group's columns.</summary>
internal static unsafe class Int8GroupBackwardDriver
{
    public static void Backward<TKernel>(InstructionTier tier, WorkerPool pool, GroupScaledGradient dy, int tokens, PackedMatrix weight, float* dx, bool accumulate)
        where TKernel : IInt8GemmKernel
    {
        var job = new Job<TKernel> { Tier = tier, Pool = pool, Gradient = dy, Tokens = tokens, Weight = weight, InputGradient = dx, Accumulate = accumulate };
        pool.Run(ref job);
    }

    private struct Job<TKernel> : IParallelJob
        where TKernel : IInt8GemmKernel
    {
        public InstructionTier Tier;
        public WorkerPool Pool;
        public GroupScaledGradient Gradient;
        public int Tokens;
        public PackedMatrix Weight;
        public float* InputGradient;
        public bool Accumulate;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = WorkSplit.Share((Weight.Columns - 1) / TKernel.Rows + 1, worker, workers);
            if (start == end)
                return;
            var panels = new Int8ColumnPanels(Weight, Gradient.Stride, TKernel.Rows);
            var atOnce = (int)Math.Clamp(Int8BackwardDriver.MaxPanelBytes / panels.Bytes, 1, end - start);
            var panelFloats = panels.Bytes / sizeof(float);
            var scratch = Pool.WorkerScratch(worker, atOnce * panelFloats + 2 * TKernel.Rows + StochasticTile.Floats(Gradient.Stride, TKernel.Tokens));
            var ones = scratch + atOnce * panelFloats;
            var factors = ones + TKernel.Rows;
            new Span<float>(ones, TKernel.Rows).Fill(1f);
            var tile = new StochasticTile(Tier, ones + 2 * TKernel.Rows, Gradient, TKernel.Tokens, Weight.Bits);
            for (var first = start; first < end; first += atOnce)
            {
                var count = Math.Min(atOnce, end - first);
                for (var p = 0; p < count; p++)
                    panels.Gather((byte*)(scratch + p * panelFloats), (first + p) * TKernel.Rows);
                for (var token = 0; token < Tokens; token += TKernel.Tokens)
                {
                    var held = Math.Min(TKernel.Tokens, Tokens - token);
                    var group = -1;
                    for (var p = 0; p < count; p++)
                    {
                        var column = (first + p) * TKernel.Rows;
                        if (column / Weight.GroupSize != group)
                        {
                            group = column / Weight.GroupSize;
                            tile.Round(token, held, group);
                            new Span<float>(factors, TKernel.Rows).Fill(Gradient.GroupFactors[group]);
                        }
                        Int8GemmDriver.MultiplyTile<TKernel>(panels.Panel((byte*)(scratch + p * panelFloats), factors, ones), tile.Operand(token), held,
                            Math.Min(TKernel.Rows, Weight.Columns - column), InputGradient + (long)token * Weight.Columns + column, Weight.Columns, Accumulate);
                    }
                }
            }
        }
    }
}
