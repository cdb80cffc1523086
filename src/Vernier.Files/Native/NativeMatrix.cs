namespace Vernier.Files.Native;

/// <summary>How a native folder holds one packed matrix.</summary>
/// <param name="Bits">Bits of a code, 2 to 8.</param>
/// <param name="GroupSize">Consecutive columns that share a scale.</param>
/// <param name="Codebook">The values that codes stand for; null = a code stands for itself.</param>
public sealed record NativeMatrix(int Rows, int Columns, int Bits, int GroupSize, IReadOnlyList<float>? Codebook = null)
{
    /// <summary>Groups in a row; the last may be shorter.</summary>
    public int Groups => (Columns - 1) / GroupSize + 1;

    /// <summary>Bytes of one row of codes: a little-endian bit stream, padded to whole bytes.</summary>
    public int RowBytes => checked((int)(((long)Columns * Bits + 7) / 8));
}
