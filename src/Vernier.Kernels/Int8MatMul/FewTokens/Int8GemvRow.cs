namespace Vernier.Kernels;

/// <summary>One row after another with all tokens, its codes unpacked at most once.</summary>
internal sealed unsafe class Int8GemvRow<TDot> : IInt8GemvBody
    where TDot : struct, IInt8RowDot
{
    public string Name => typeof(TDot).Name;

    public InstructionTier Tier => TDot.Tier;

    public int RowsAtOnce => 1;

    public bool StreamsScales => false;

    public void Multiply(in Int8GemvRows rows)
    {
        if (rows.HasHalfGroups)
            Multiply<HalfGroups>(rows);
        else
            Multiply<WholeGroups>(rows);
    }

    private static void Multiply<TGroups>(in Int8GemvRows rows)
        where TGroups : struct, IGroupFactors
    {
        var middle = TDot.Middle - (rows.Codebook?.Zero ?? 0);
        for (var row = 0; row < rows.Rows; row++)
        {
            var codes = TDot.Unpacks ? rows.Unpack(row) : rows.Codes + row * rows.RowBytes;
            var scales = Int8GemvRowScales.Read(rows, row);
            for (var t = 0; t < rows.Tokens; t++)
            {
                var terms = TDot.Tier == InstructionTier.Scalar ? scales.TimesEach(rows, t, middle, rows.Factors) : scales.Times(rows, t, middle, rows.Factors);
                rows.Store(row, t, terms + TDot.Dot<TGroups>(codes, rows.Factors, rows.XGroups, rows.X + t * rows.XStride));
            }
        }
    }
}
