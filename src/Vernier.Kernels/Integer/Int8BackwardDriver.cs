using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>dX = dY Ŵ in integers: columns of the weight are gathered into panels once, four rows' codes to a word, and meet all tokens there.
/// The scales are in the gradient already, see <see cref="QuantizedActivations.QuantizeGradient"/>.</summary>
internal static unsafe class Int8BackwardDriver
{
    // Panels at once: half of the second-level cache.
    private const int MaxPanelBytes = 384 << 10;

    public static void Backward<TKernel>(WorkerPool pool, QuantizedActivations dy, PackedMatrix weight, float* dx, bool accumulate)
        where TKernel : IInt8Kernel
    {
        if (Int8Codes.AreWide(weight.Bits))
            dy.Widen();
        var job = new Job<TKernel> { Pool = pool, Gradient = dy, Weight = weight, InputGradient = dx, Accumulate = accumulate };
        pool.Run(ref job);
    }

    private struct Job<TKernel> : IParallelJob
        where TKernel : IInt8Kernel
    {
        public WorkerPool Pool;
        public QuantizedActivations Gradient;
        public PackedMatrix Weight;
        public float* InputGradient;
        public bool Accumulate;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = GemmDriver.Share((Weight.Columns - 1) / TKernel.Rows + 1, worker, workers);
            if (start == end)
                return;
            var panelBytes = (long)Gradient.Stride * TKernel.Rows * Int8Codes.Bytes(Weight.Bits);
            var atOnce = (int)Math.Clamp(MaxPanelBytes / panelBytes, 1, end - start);
            var scratch = Pool.WorkerScratch(worker, atOnce * panelBytes / sizeof(float) + TKernel.Rows);
            var ones = scratch + atOnce * panelBytes / sizeof(float);
            new Span<float>(ones, TKernel.Rows).Fill(1f);
            for (var first = start; first < end; first += atOnce)
            {
                var count = Math.Min(atOnce, end - first);
                for (var p = 0; p < count; p++)
                    Gather((byte*)scratch + p * panelBytes, (first + p) * TKernel.Rows);
                for (var token = 0; token < Gradient.Tokens; token += TKernel.Tokens)
                    for (var p = 0; p < count; p++)
                    {
                        var column = (first + p) * TKernel.Rows;
                        Int8GemmDriver.MultiplyTile<TKernel>(Panel((byte*)scratch + p * panelBytes, ones), Gradient, token,
                            Math.Min(TKernel.Rows, Weight.Columns - column), InputGradient, Weight.Columns, column, Accumulate);
                    }
            }
        }

        private readonly Int8Panel Panel(byte* codes, float* ones) => new()
        {
            Codes = codes,
            Bits = Weight.Bits,
            Scales = ones,
            Offsets = ones,
            Groups = (Weight.Rows - 1) / QuantizedActivations.GroupSize + 1,
            Ratio = Gradient.Groups,
        };

        // Words of the codes of four rows, or two. Rows beyond the last meet gradients of 0.
        private readonly void Gather(byte* panel, int column)
        {
            const int chunk = CodePlanes.Chunk;
            var codes = stackalloc byte[4 * chunk];
            new Span<byte>(codes, 4 * chunk).Clear();
            var source = column / chunk * CodePlanes.ChunkBytes(Weight.Bits);
            var wide = Int8Codes.AreWide(Weight.Bits);
            var bytes = 4 * TKernel.Rows * Int8Codes.Bytes(Weight.Bits);
            for (var row = 0; row < Weight.Rows; row += 4, panel += bytes)
            {
                for (var r = 0; r < Math.Min(4, Weight.Rows - row); r++)
                    CodePlanes.Unpack(Weight.RowPointer(row + r) + source, 1, Weight.Bits, codes + r * chunk);
                for (var c = 0; c < TKernel.Rows; c += Vector128<byte>.Count)
                    if (wide)
                        InterleaveWide(codes + column % chunk + c, panel + 4 * c, panel + 4 * TKernel.Rows + 4 * c);
                    else
                        Interleave(codes + column % chunk + c, panel + 4 * c);
            }
        }

        // Four rows of 16 codes to 16 words.
        private static void Interleave(byte* codes, byte* words)
        {
            const int chunk = CodePlanes.Chunk;
            var (r0, r1) = (Vector128.Load(codes), Vector128.Load(codes + chunk));
            var (r2, r3) = (Vector128.Load(codes + 2 * chunk), Vector128.Load(codes + 3 * chunk));
            var (l01, h01) = (Sse2.UnpackLow(r0, r1).AsInt16(), Sse2.UnpackHigh(r0, r1).AsInt16());
            var (l23, h23) = (Sse2.UnpackLow(r2, r3).AsInt16(), Sse2.UnpackHigh(r2, r3).AsInt16());
            Sse2.UnpackLow(l01, l23).AsByte().Store(words);
            Sse2.UnpackHigh(l01, l23).AsByte().Store(words + 16);
            Sse2.UnpackLow(h01, h23).AsByte().Store(words + 32);
            Sse2.UnpackHigh(h01, h23).AsByte().Store(words + 48);
        }

        // Two rows of 16 codes to 16 words of 16-bit codes, and the next two.
        private static void InterleaveWide(byte* codes, byte* first, byte* second)
        {
            const int chunk = CodePlanes.Chunk;
            Pairs(Vector128.Load(codes), Vector128.Load(codes + chunk), (short*)first);
            Pairs(Vector128.Load(codes + 2 * chunk), Vector128.Load(codes + 3 * chunk), (short*)second);

            static void Pairs(Vector128<byte> even, Vector128<byte> odd, short* words)
            {
                Avx2.ConvertToVector256Int16(Sse2.UnpackLow(even, odd)).Store(words);
                Avx2.ConvertToVector256Int16(Sse2.UnpackHigh(even, odd)).Store(words + 16);
            }
        }
    }
}
