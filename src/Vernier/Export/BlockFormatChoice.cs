using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels;

namespace Vernier.Export;

/// <summary>Which GGUF block format holds a packed matrix exactly: the same codes, and one fp16 scale (and minimum) a block.</summary>
internal static class BlockFormatChoice
{
    private const int Block = 32;

    // A format with a fixed zero point serves when the offset is that multiple of the scale up to a few roundings.
    private const float OffsetTolerance = 1e-5f;

    /// <summary>The format, or null with the reason why no GGUF format can hold the matrix.</summary>
    public static BlockFormat? Find(PackedMatrix matrix, out string why)
    {
        why = "";
        if (!matrix.Codebook.IsEmpty)
            why = "its codes stand for the entries of a table";
        else if (!matrix.GroupIndex.IsEmpty)
            why = "its groups are not runs of columns (act-order)";
        else if (matrix.Columns % Block != 0)
            why = $"its rows of {matrix.Columns} columns are not whole blocks of {Block}";
        else if (matrix.GroupSize != matrix.Columns && matrix.GroupSize % Block != 0)
            why = $"its groups of {matrix.GroupSize} columns are not whole blocks of {Block}";
        else
            foreach (var name in Candidates(matrix.Bits))
            {
                var format = BlockFormats.Find(name)!;
                if (Holds(format, matrix))
                    return format;
            }
        if (why.Length == 0)
            why = matrix.Bits == 8 ? "its 8-bit codes have zero points other than 128" : $"no format has codes of {matrix.Bits} bits";
        return null;
    }

    /// <summary>Whether the format's fixed zero point, if it has one, is that of the matrix.</summary>
    public static bool Holds(BlockFormat format, PackedMatrix matrix) =>
        format.Codes!.ZeroPoint is not { } zero || HasZeroPoint(matrix, zero);

    /// <summary>Formats whose codes have at least this many bits, smallest first: fewer bits fit into more.</summary>
    private static string[] Candidates(int bits) => bits switch
    {
        <= 4 => ["Q4_0", "Q4_1"],
        5 => ["Q5_0", "Q5_1"],
        8 => ["Q8_0"],
        _ => [],
    };

    private static bool HasZeroPoint(PackedMatrix matrix, int zero)
    {
        var (s, o) = (new float[matrix.Groups], new float[matrix.Groups]);
        for (var row = 0; row < matrix.Rows; row++)
        {
            matrix.Scales.ReadRow(row, s, o);
            for (var g = 0; g < s.Length; g++)
                if (MathF.Abs(o[g] + zero * s[g]) > OffsetTolerance * MathF.Abs(zero * s[g]))
                    return false;
        }
        return true;
    }
}
