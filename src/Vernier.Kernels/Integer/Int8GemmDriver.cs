using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Integer products for many tokens: rows of the weight are unpacked into panels once and meet all tokens there.</summary>
internal static unsafe class Int8GemmDriver
{
    // Panels at once: half of the second-level cache.
    private const int MaxPanelBytes = 384 << 10;

    public static void Forward<TKernel>(WorkerPool pool, QuantizedActivations x, PackedMatrix weight, float* y, bool accumulate)
        where TKernel : IInt8Kernel
    {
        var job = new Job<TKernel> { Pool = pool, X = x, Weight = weight, Y = y, Accumulate = accumulate };
        pool.Run(ref job);
    }

    /// <summary>One tile of tokens with one panel, edges included: y [tokens, stride] from column <paramref name="at"/> on.</summary>
    /// <param name="rows">Rows of the panel that are there.</param>
    [SkipLocalsInit]
    public static void MultiplyTile<TKernel>(in Int8Panel panel, QuantizedActivations x, int token, int rows, float* y, long stride, int at, bool accumulate)
        where TKernel : IInt8Kernel
    {
        var operand = new Int8Tokens
        {
            Codes = x.Codes + (long)token * x.Stride,
            Scales = x.Scales + (long)token * x.Groups,
            Sums = x.Sums + (long)token * x.Groups,
            Totals = x.Totals + token,
            Stride = x.Stride,
            Groups = x.Groups,
        };
        var to = y + token * stride + at;
        var tokens = Math.Min(TKernel.Tokens, x.Tokens - token);
        if (rows == TKernel.Rows && tokens == TKernel.Tokens)
        {
            TKernel.Multiply(panel, operand, to, stride, accumulate);
            return;
        }
        var tile = stackalloc float[TKernel.Tokens * TKernel.Rows];
        TKernel.Multiply(panel, operand, tile, TKernel.Rows, false);
        for (var t = 0; t < tokens; t++, to += stride, tile += TKernel.Rows)
            for (var r = 0; r < rows; r++)
                to[r] = accumulate ? to[r] + tile[r] : tile[r];
    }

    private struct Job<TKernel> : IParallelJob
        where TKernel : IInt8Kernel
    {
        public WorkerPool Pool;
        public QuantizedActivations X;
        public PackedMatrix Weight;
        public float* Y;
        public bool Accumulate;

        public readonly void Execute(int worker, int workers)
        {
            var panels = (Weight.Rows - 1) / TKernel.Rows + 1;
            var (start, end) = GemmDriver.Share(panels, worker, workers);
            if (start == end)
                return;
            var planes = Weight.Bits > 4 ? 2 : 1;
            var (codes, scales) = (X.Stride * TKernel.Rows * planes, Weight.Groups * TKernel.Rows);
            var panelFloats = codes / sizeof(float) + 2 * scales;
            var atOnce = Math.Clamp(MaxPanelBytes / (panelFloats * sizeof(float)), 1, end - start);
            var rowFloats = X.Stride * TKernel.Rows / sizeof(float);
            var scratch = Pool.WorkerScratch(worker, (long)atOnce * panelFloats + rowFloats);
            var rows = (byte*)(scratch + (long)atOnce * panelFloats);
            for (var first = start; first < end; first += atOnce)
            {
                var count = Math.Min(atOnce, end - first);
                for (var p = 0; p < count; p++)
                    Unpack(Panel(scratch + (long)p * panelFloats), (first + p) * TKernel.Rows, rows);
                for (var token = 0; token < X.Tokens; token += TKernel.Tokens)
                    for (var p = 0; p < count; p++)
                        MultiplyTile<TKernel>(Panel(scratch + (long)p * panelFloats), X, token, Math.Min(TKernel.Rows, Weight.Rows - (first + p) * TKernel.Rows),
                            Y, Weight.Rows, (first + p) * TKernel.Rows, Accumulate);
            }
        }

        private readonly Int8Panel Panel(float* memory)
        {
            var plane = (long)X.Stride * TKernel.Rows;
            var high = Weight.Bits > 4;
            var scales = memory + plane * (high ? 2 : 1) / sizeof(float);
            return new Int8Panel
            {
                Low = (byte*)memory,
                High = high ? (byte*)memory + plane : null,
                Scales = scales,
                Offsets = scales + (long)Weight.Groups * TKernel.Rows,
                Groups = (X.Columns - 1) / QuantizedActivations.GroupSize + 1,
                Ratio = Weight.Groups == 1 ? X.Groups : Weight.GroupSize / QuantizedActivations.GroupSize,
            };
        }

        private readonly void Unpack(Int8Panel panel, int row, byte* rows)
        {
            var (count, words) = (Math.Min(TKernel.Rows, Weight.Rows - row), X.Stride / sizeof(float));
            for (var r = 0; r < count; r++)
                CodePlanes.Unpack(Weight.RowPointer(row + r), X.Stride / CodePlanes.Chunk, Weight.Bits, rows + (long)r * X.Stride);
            if (panel.High != null)
            {
                Upper(rows, (long)count * X.Stride, panel.Low); // the low panel's place serves as scratch until it is filled
                GemmPanels.Transpose((float*)panel.Low, words, count, words, TKernel.Rows, (float*)panel.High);
                Lower(rows, (long)count * X.Stride);
            }
            GemmPanels.Transpose((float*)rows, words, count, words, TKernel.Rows, (float*)panel.Low);
            var first = (long)row * Weight.Groups;
            GemmPanels.Transpose(Weight.Scales.ScalePointer + first, Weight.Groups, count, Weight.Groups, TKernel.Rows, panel.Scales);
            GemmPanels.Transpose(Weight.Scales.OffsetPointer + first, Weight.Groups, count, Weight.Groups, TKernel.Rows, panel.Offsets);
        }

        // Rows are whole chunks of 64 bytes.
        private static void Upper(byte* codes, long count, byte* high)
        {
            for (long i = 0; i < count; i += sizeof(ulong))
                *(ulong*)(high + i) = (*(ulong*)(codes + i) >> 4) & 0x0f0f0f0f0f0f0f0ful;
        }

        private static void Lower(byte* codes, long count)
        {
            for (long i = 0; i < count; i += sizeof(ulong))
                *(ulong*)(codes + i) &= 0x0f0f0f0f0f0f0f0ful;
        }
    }
}
