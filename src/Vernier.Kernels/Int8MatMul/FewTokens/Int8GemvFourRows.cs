using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Four rows at a time in wide groups, token by token.</summary>
internal sealed unsafe class Int8GemvFourRows<TDot> : IInt8GemvBody
    where TDot : struct, IInt8FourRowDot
{
    public string Name => typeof(TDot).Name;

    public InstructionTier Tier => TDot.Tier;

    public int RowsAtOnce => 4;

    public bool StreamsScales => false;

    public void Multiply(in Int8GemvRows rows)
    {
        for (var row = 0; row < rows.Rows; row += 4)
            for (var t = 0; t < rows.Tokens; t++)
            {
                var (s0, s1, s2, s3) = (Terms(rows, row, t, 0), Terms(rows, row, t, 1), Terms(rows, row, t, 2), Terms(rows, row, t, 3));
                rows.Store(row, t, TDot.Dot(rows.Codes + row * rows.RowBytes, rows.RowBytes, rows.Factors, rows.Padded, rows.XGroups, rows.X + t * rows.XStride, s0, s1, s2, s3));
            }
    }

    private static Vector256<float> Terms(in Int8GemvRows rows, int row, int token, int i) =>
        Vector256.CreateScalar(Int8GemvRowScales.Read(rows, row + i).Times(rows, token, TDot.Middle, rows.Factors + i * rows.Padded));
}
