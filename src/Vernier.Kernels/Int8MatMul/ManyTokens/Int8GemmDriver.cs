using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Integer products for many tokens: rows of the weight are unpacked into panels once, where all tokens are multiplied by them.</summary>
internal static unsafe class Int8GemmDriver
{
    // Panels at once: half of the second-level cache.
    private const int MaxPanelBytes = 384 << 10;

    /// <param name="rowFactors">Not with <paramref name="accumulate"/>.</param>
    public static void Forward<TKernel>(WorkerPool pool, QuantizedActivations x, PackedMatrix weight, float* y, bool accumulate, Int8RowFactors rowFactors)
        where TKernel : IInt8GemmKernel
    {
        if (Int8CodeWidth.IsWide(weight.IntegerBits))
            x.Widen();
        if (weight.HasHalfGroups)
            x.SumHalves(pool);
        var job = new Job<TKernel> { Pool = pool, X = x, Weight = weight, Y = y, Accumulate = accumulate, RowFactors = rowFactors };
        pool.Run(ref job);
    }

    /// <summary>One tile of tokens with one panel, edges included.</summary>
    /// <param name="tokens">Tokens that are there.</param>
    /// <param name="rows">Rows of the panel that are there.</param>
    /// <param name="to">[tokens, stride]: the first token's first output.</param>
    [SkipLocalsInit]
    public static void MultiplyTile<TKernel>(in Int8Panel panel, in Int8Tokens operand, int tokens, int rows, float* to, long stride, bool accumulate)
        where TKernel : IInt8GemmKernel
    {
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
        where TKernel : IInt8GemmKernel
    {
        public WorkerPool Pool;
        public QuantizedActivations X;
        public PackedMatrix Weight;
        public float* Y;
        public bool Accumulate;
        public Int8RowFactors RowFactors;

        public readonly void Execute(int worker, int workers)
        {
            var panels = (Weight.Rows - 1) / TKernel.Rows + 1;
            var (start, end) = WorkSplit.Share(panels, worker, workers);
            if (start == end)
                return;
            var rowFloats = X.Stride * Int8CodeWidth.Bytes(Weight.IntegerBits) * TKernel.Rows / sizeof(float);
            var panelFloats = rowFloats + 2 * Weight.Groups * TKernel.Rows;
            var atOnce = Math.Clamp(MaxPanelBytes / (panelFloats * sizeof(float)), 1, end - start);
            var scratch = Pool.WorkerScratch(worker, (long)atOnce * panelFloats + rowFloats + 2 * Weight.Groups * TKernel.Rows);
            var rows = (byte*)(scratch + (long)atOnce * panelFloats);
            var scales = scratch + (long)atOnce * panelFloats + rowFloats;
            for (var first = start; first < end; first += atOnce)
            {
                Pool.Cancellation.ThrowIfCancellationRequested();
                var count = Math.Min(atOnce, end - first);
                var (top, bottom) = (first * TKernel.Rows, Math.Min((first + count) * TKernel.Rows, Weight.Rows));
                RowFactors.Fetch(top, bottom);
                for (var p = 0; p < count; p++)
                    Unpack(Panel(scratch + (long)p * panelFloats), (first + p) * TKernel.Rows, rows, scales);
                for (var token = 0; token < X.Tokens; token += TKernel.Tokens)
                    for (var p = 0; p < count; p++)
                    {
                        var row = (first + p) * TKernel.Rows;
                        MultiplyTile<TKernel>(Panel(scratch + (long)p * panelFloats), X.From(token, Weight.IntegerBits), Math.Min(TKernel.Tokens, X.Tokens - token),
                            Math.Min(TKernel.Rows, Weight.Rows - row), Y + (long)token * Weight.Rows + row, Weight.Rows, Accumulate);
                    }
                RowFactors.Multiply(Y, Weight.Rows, top, bottom);
            }
        }

        private readonly Int8Panel Panel(float* memory)
        {
            var scales = memory + (long)X.Stride * Int8CodeWidth.Bytes(Weight.IntegerBits) * TKernel.Rows / sizeof(float);
            return new Int8Panel
            {
                Codes = (byte*)memory,
                Bits = Weight.IntegerBits,
                Scales = scales,
                Offsets = scales + (long)Weight.Groups * TKernel.Rows,
                HasHalfGroups = Weight.HasHalfGroups,
                Groups = Weight.HasHalfGroups ? Weight.Groups : (X.Columns - 1) / QuantizedActivations.GroupSize + 1,
                Ratio = Weight.Groups == 1 ? X.Groups : Math.Max(1, Weight.GroupSize / QuantizedActivations.GroupSize),
            };
        }

        private readonly void Unpack(Int8Panel panel, int row, byte* rows, float* scales)
        {
            var (count, bytes) = (Math.Min(TKernel.Rows, Weight.Rows - row), X.Stride * Int8CodeWidth.Bytes(Weight.IntegerBits));
            for (var r = 0; r < count; r++)
            {
                var to = rows + (long)r * bytes;
                var codes = Weight.RowPointer(row + r);
                if (Weight.Bits < 8)
                {
                    CodePlanes.Unpack(codes, X.Stride / CodePlanes.Chunk, Weight.Bits, to);
                    Weight.IntegerCodes?.Replace(to, X.Stride);
                    codes = to;
                }
                if (Int8CodeWidth.IsWide(Weight.IntegerBits))
                    Widen(codes, to, X.Stride);
            }
            var words = bytes / sizeof(int);
            GemmPanels.Transpose((float*)rows, words, count, words, TKernel.Rows, (float*)panel.Codes);
            var offsets = scales + (long)TKernel.Rows * Weight.Groups;
            Weight.Scales.Read((long)row * Weight.Groups, count * Weight.Groups, scales, offsets);
            if (Weight.IntegerCodes is { } book)
                for (var g = 0; g < count * Weight.Groups; g++)
                    offsets[g] -= book.Zero * scales[g];
            GemmPanels.Transpose(scales, Weight.Groups, count, Weight.Groups, TKernel.Rows, panel.Scales);
            GemmPanels.Transpose(offsets, Weight.Groups, count, Weight.Groups, TKernel.Rows, panel.Offsets);
        }

        // From the end: where both are the same, a code moves to where codes were that have moved.
        private static void Widen(byte* codes, byte* to, int count)
        {
            for (var i = count - Vector128<byte>.Count; i >= 0; i -= Vector128<byte>.Count)
                Avx2.ConvertToVector256Int16(Vector128.Load(codes + i)).Store((short*)to + i);
        }
    }
}
