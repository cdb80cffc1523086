using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Codes of 8 bits in groups of 32 for some tokens, four rows at a time.</summary>
internal sealed unsafe class Int8Gemv8Bit32Rows4Avx2 : IInt8GemvBody, IGemvOfScales
{
    public InstructionTier Tier => InstructionTier.Vector256;

    public int RowsAtOnce => 4;

    public bool StreamsScales => true;

    public bool ReadsBehindScales => true;

    public void Multiply(in Int8GemvRows rows) => GemvScales.OfBlocks<Int8Gemv8Bit32Rows4Avx2>(rows);

    [MethodImpl(Kernel.Body)]
    public static void Rows<TScales>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales
    {
        var (f, rowBytes) = (rows.Padded, rows.RowBytes);
        for (var row = 0; row < rows.Ahead; row += 4)
            Int8GemvBlockScales.Prefetch<TScales>(rows, row);
        for (var row = 0; row < rows.Rows; row += 4)
        {
            Int8GemvBlockScales.Prefetch<TScales>(rows, row + rows.Ahead);
            for (var t = 0; t < rows.Tokens; t++)
            {
                Int8GemvBlockScales.OfFourRows<TScales>(rows, row, t, rows.Middle, out var s0, out var s1, out var s2, out var s3);
                var w = rows.Codes + row * rowBytes;
                var x = rows.X + t * rows.XStride;
                var p = rows.Factors;
                for (var g = 0; g < rows.XGroups; g++, w += 32, x += 32, p++)
                {
                    var v = Vector256.Load(x);
                    s0 = Int8DotAvx2.ScaledFromMiddle(Vector256.Load(w), v, p, s0);
                    s1 = Int8DotAvx2.ScaledFromMiddle(Vector256.Load(w + rowBytes), v, p + f, s1);
                    s2 = Int8DotAvx2.ScaledFromMiddle(Vector256.Load(w + 2 * rowBytes), v, p + 2 * f, s2);
                    s3 = Int8DotAvx2.ScaledFromMiddle(Vector256.Load(w + 3 * rowBytes), v, p + 3 * f, s3);
                }
                rows.Store(row, t, HorizontalSums.Each(s0, s1, s2, s3));
            }
        }
    }
}
