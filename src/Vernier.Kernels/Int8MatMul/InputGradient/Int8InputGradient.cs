namespace Vernier.Kernels;

/// <summary>dX = dY Ŵ in integers: columns of the weight are gathered into panels once, where all tokens are multiplied by them. How the gradient takes the weight's
/// scales in is its operand's affair: <see cref="RowScaledOperand"/>, or <see cref="GroupScaledOperand{TRounding}"/>.</summary>
internal static unsafe class Int8InputGradient
{
    // Panels at once: half of the second-level cache.
    private const int MaxPanelBytes = 384 << 10;

    /// <param name="dx">[tokens, columns of the weight].</param>
    public static void Multiply<TKernel, TOperand>(WorkerPool pool, TOperand dy, int tokens, PackedMatrix weight, float* dx, bool accumulate)
        where TKernel : IInt8GemmKernel
        where TOperand : struct, IInt8GradientOperand
    {
        var job = new Job<TKernel, TOperand> { Pool = pool, Gradient = dy, Tokens = tokens, Weight = weight, InputGradient = dx, Accumulate = accumulate };
        pool.Run(ref job);
    }

    private struct Job<TKernel, TOperand> : IParallelJob
        where TKernel : IInt8GemmKernel
        where TOperand : struct, IInt8GradientOperand
    {
        public WorkerPool Pool;
        public TOperand Gradient;
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
            var panelFloats = panels.Bytes / sizeof(float);
            var atOnce = (int)Math.Clamp(MaxPanelBytes / panels.Bytes, 1, end - start);
            var scratch = Pool.WorkerScratch(worker, atOnce * panelFloats + TKernel.Rows + Gradient.Floats(TKernel.Tokens, TKernel.Rows));
            var ones = scratch + atOnce * panelFloats;
            new Span<float>(ones, TKernel.Rows).Fill(1f);
            var gradient = Gradient;
            gradient.Begin(ones + TKernel.Rows, TKernel.Tokens, TKernel.Rows);
            for (var first = start; first < end; first += atOnce)
            {
                var count = Math.Min(atOnce, end - first);
                for (var p = 0; p < count; p++)
                    panels.Gather((byte*)(scratch + p * panelFloats), (first + p) * TKernel.Rows);
                for (var token = 0; token < Tokens; token += TKernel.Tokens)
                {
                    var held = Math.Min(TKernel.Tokens, Tokens - token);
                    for (var p = 0; p < count; p++)
                    {
                        var column = (first + p) * TKernel.Rows;
                        var operand = gradient.At(token, held, column, out var factors);
                        Int8GemmDriver.MultiplyTile<TKernel>(panels.Panel((byte*)(scratch + p * panelFloats), factors == null ? ones : factors, ones), operand, held,
                            Math.Min(TKernel.Rows, Weight.Columns - column), InputGradient + (long)token * Weight.Columns + column, Weight.Columns, Accumulate);
                    }
                }
            }
        }
    }
}
