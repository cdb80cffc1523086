namespace Vernier.Files.Packings;

/// <summary>How a folder holds one packed matrix: all but its numbers.</summary>
/// <param name="Bits">Bits of a code, 2 to 8.</param>
/// <param name="GroupSize">Columns that share a scale.</param>
/// <param name="Codebook">The values that codes stand for; null = a code stands for itself.</param>
/// <param name="ActivationOrder">Groups may be any sets of columns, which a tensor of their own lists; else they are runs of columns.</param>
internal sealed record PackedLayout(int Rows, int Columns, int Bits, int GroupSize, IReadOnlyList<float>? Codebook = null, bool ActivationOrder = false)
{
    /// <summary>Groups in a row; the last may be shorter.</summary>
    public int Groups => (Columns - 1) / GroupSize + 1;

    /// <summary>Bytes of one row of codes as a little-endian bit stream, padded to whole bytes.</summary>
    public int RowBytes => checked((int)(((long)Columns * Bits + 7) / 8));
}
