using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Codes of 4 bits in groups of 32 for some tokens, four rows at a time.</summary>
internal sealed unsafe class Int8Gemv4Bit32Rows4Avx2 : IInt8GemvBody, IGemvOfScales
{
    public InstructionTier Tier => InstructionTier.Vector256;

    public int RowsAtOnce => 4;

    public bool StreamsScales => true;

    public bool ReadsBehindScales => true;

    public void Multiply(in Int8GemvRows rows) => GemvScales.OfBlocks<Int8Gemv4Bit32Rows4Avx2>(rows);

    [MethodImpl(Kernel.Body)]
    public static void Rows<TScales>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales
    {
        var mask = Vector256.Create((byte)15);
        var (f, rowBytes) = (rows.Padded, rows.RowBytes);
        for (var row = 0; row < rows.Ahead; row += 4)
            Int8GemvBlockScales.Prefetch<TScales>(rows, row);
        for (var row = 0; row < rows.Rows; row += 4)
        {
            Int8GemvBlockScales.Prefetch<TScales>(rows, row + rows.Ahead);
            for (var t = 0; t < rows.Tokens; t++)
            {
                Int8GemvBlockScales.OfFourRows<TScales>(rows, row, t, 0, out var s0, out var s1, out var s2, out var s3);
                var w = rows.Codes + row * rowBytes;
                var x = rows.X + t * rows.XStride;
                var p = rows.Factors;
                for (var g = 0; g < rows.XGroups; g += 2, w += 32, x += 64, p += 2)
                {
                    var (x0, x1) = (Vector256.Load(x), Vector256.Load(x + 32));
                    var v = Vector256.Load(w);
                    s0 = Int8DotAvx2.Scaled(v & mask, x0, p, s0);
                    s0 = Int8DotAvx2.Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 1, s0);
                    v = Vector256.Load(w + rowBytes);
                    s1 = Int8DotAvx2.Scaled(v & mask, x0, p + f, s1);
                    s1 = Int8DotAvx2.Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + f + 1, s1);
                    v = Vector256.Load(w + 2 * rowBytes);
                    s2 = Int8DotAvx2.Scaled(v & mask, x0, p + 2 * f, s2);
                    s2 = Int8DotAvx2.Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 2 * f + 1, s2);
                    v = Vector256.Load(w + 3 * rowBytes);
                    s3 = Int8DotAvx2.Scaled(v & mask, x0, p + 3 * f, s3);
                    s3 = Int8DotAvx2.Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 3 * f + 1, s3);
                }
                rows.Store(row, t, HorizontalSums.Each(s0, s1, s2, s3));
            }
        }
    }
}
