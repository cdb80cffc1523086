namespace Vernier.Kernels;

/// <summary>dX = dY Ŵ in integers for scales of groups of columns. Every group has its own product of gradient and scales, which is rounded at
/// random a few tokens at a time, just before it meets the group's columns.</summary>
internal static unsafe class Int8GroupBackwardDriver
{
    public static void Backward<TKernel>(WorkerPool pool, float* dy, int tokens, PackedMatrix weight, uint key, float* dx, bool accumulate)
        where TKernel : IInt8Kernel
    {
        var job = new Job<TKernel> { Pool = pool, Gradient = dy, Tokens = tokens, Weight = weight, Key = key, InputGradient = dx, Accumulate = accumulate };
        pool.Run(ref job);
    }

    private struct Job<TKernel> : IParallelJob
        where TKernel : IInt8Kernel
    {
        public WorkerPool Pool;
        public float* Gradient;
        public int Tokens;
        public PackedMatrix Weight;
        public uint Key;
        public float* InputGradient;
        public bool Accumulate;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = GemmDriver.Share((Weight.Columns - 1) / TKernel.Rows + 1, worker, workers);
            if (start == end)
                return;
            var stride = GemmDriver.RoundUp(Weight.Rows, CodePlanes.Chunk);
            var panels = new Int8ColumnPanels(Weight, stride, TKernel.Rows);
            var atOnce = (int)Math.Clamp(Int8BackwardDriver.MaxPanelBytes / panels.Bytes, 1, end - start);
            var foldFloats = GroupFolds.Floats(stride);
            var tileFloats = GroupTile.Floats(stride, TKernel.Tokens);
            var scratch = Pool.WorkerScratch(worker, atOnce * (panels.Bytes / sizeof(float) + foldFloats) + tileFloats + TKernel.Rows);
            var folds = scratch + atOnce * panels.Bytes / sizeof(float);
            var tile = new GroupTile(folds + atOnce * foldFloats, stride, TKernel.Tokens, Weight.Bits);
            var ones = folds + atOnce * foldFloats + tileFloats;
            new Span<float>(ones, TKernel.Rows).Fill(1f);
            for (var first = start; first < end; first += atOnce)
            {
                var count = Math.Min(atOnce, end - first);
                for (var p = 0; p < count; p++)
                {
                    var column = (first + p) * TKernel.Rows;
                    panels.Gather((byte*)scratch + p * panels.Bytes, column);
                    new GroupFolds(folds + p * foldFloats, stride).Set(Weight, column / Weight.GroupSize, Key);
                }
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
                            tile.Round(Gradient + (long)token * Weight.Rows, Weight.Rows, held, (uint)token, new GroupFolds(folds + p * foldFloats, stride));
                        }
                        Int8GemmDriver.MultiplyTile<TKernel>(panels.Panel((byte*)scratch + p * panels.Bytes, ones), tile.Operand, held,
                            Math.Min(TKernel.Rows, Weight.Columns - column), InputGradient + (long)token * Weight.Columns + column, Weight.Columns, Accumulate);
                    }
                }
            }
        }
    }
}
