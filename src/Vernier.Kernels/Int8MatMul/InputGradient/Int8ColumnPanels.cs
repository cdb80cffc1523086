using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Columns of a weight as panels for dX = dY Ŵ: words of the codes of four rows, or of two where codes are wide.</summary>
/// <param name="stride">Rows of the weight, rounded up to whole groups of gradients.</param>
/// <param name="width">Columns of a panel, a multiple of 16 that divides 64.</param>
internal readonly unsafe struct Int8ColumnPanels(PackedMatrix weight, int stride, int width)
{
    /// <summary>Bytes of a panel.</summary>
    public long Bytes => (long)stride * width * Int8CodeWidth.Bytes(weight.Bits);

    /// <summary>A panel of which the scales of rows are in the gradient already.</summary>
    /// <param name="scales">[width]: what is left of them, the same for all rows.</param>
    /// <param name="ones">[width]: 1 each.</param>
    public Int8Panel Panel(byte* codes, float* scales, float* ones) => new()
    {
        Codes = codes,
        Bits = weight.Bits,
        Scales = scales,
        Offsets = ones,
        Groups = (weight.Rows - 1) / QuantizedActivations.GroupSize + 1,
        Ratio = stride / QuantizedActivations.GroupSize,
    };

    /// <summary>Fills a panel from <paramref name="column"/> on. Rows beyond the last are unspecified: they are multiplied by gradients of 0.</summary>
    public void Gather(byte* panel, int column)
    {
        const int chunk = CodePlanes.Chunk;
        var codes = stackalloc byte[4 * chunk];
        new Span<byte>(codes, 4 * chunk).Clear();
        var source = column / chunk * CodePlanes.ChunkBytes(weight.Bits);
        var wide = Int8CodeWidth.IsWide(weight.Bits);
        var bytes = 4 * width * Int8CodeWidth.Bytes(weight.Bits);
        for (var row = 0; row < weight.Rows; row += 4, panel += bytes)
        {
            for (var r = 0; r < Math.Min(4, weight.Rows - row); r++)
                CodePlanes.Unpack(weight.RowPointer(row + r) + source, 1, weight.Bits, codes + r * chunk);
            for (var c = 0; c < width; c += Vector128<byte>.Count)
                if (wide)
                    InterleaveWide(codes + column % chunk + c, panel + 4 * c, panel + 4 * width + 4 * c);
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
