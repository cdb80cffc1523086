namespace Vernier.Kernels;

/// <summary>What the choice of a body may depend on beside the instruction tier.</summary>
/// <param name="Bits">Of a code of the weight, or of what a codebook of integers has for it; 0 = floats.</param>
/// <param name="GroupSize">Columns that share a scale; all columns = one scale a row.</param>
/// <param name="Rows">Of the weight.</param>
/// <param name="Columns">Of the weight.</param>
internal readonly record struct MatMulShape(int Bits, int GroupSize, int Rows, int Columns, int Tokens)
{
    /// <summary>Groups of a row.</summary>
    public int Groups => (Columns - 1) / GroupSize + 1;

    /// <summary>Whether groups are single blocks of 32 columns, several to a row.</summary>
    public bool HasBlockGroups => GroupSize == PackedMatrix.BlockSize && Groups > 1;

    /// <summary>Whether groups are halves of blocks.</summary>
    public bool HasHalfGroups => GroupSize == PackedMatrix.HalfBlockSize && Groups > 1;

    /// <summary>Whether groups share factors of super-blocks, see <see cref="ScaleBlocks"/>.</summary>
    public bool HasSuperBlocks { get; init; }

    /// <summary>Whether codes of 4 bits and fewer stand for the integers of a codebook.</summary>
    public bool HasCodebook { get; init; }

    public static MatMulShape Of(WeightMatrix weight, int tokens) => weight is PackedMatrix packed
        ? new(packed.IntegerBits, packed.GroupSize, packed.Rows, packed.Columns, tokens)
        {
            HasSuperBlocks = ScaleForms.GroupsOf(packed.Scales.Form) > 1,
            HasCodebook = packed.IntegerCodes is not null,
        }
        : new(0, weight.Columns, weight.Rows, weight.Columns, tokens);
}
