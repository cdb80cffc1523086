namespace Vernier.Kernels;

/// <summary>Rows of a weight, unpacked for <see cref="IInt8GemmKernel"/>.</summary>
internal unsafe struct Int8Panel
{
    /// <summary>[words of a row, rows]: words of 4 codes of a byte, or of 2 of 16 bits, see <see cref="Int8CodeWidth.IsWide"/>.</summary>
    public byte* Codes;

    /// <summary>Bits of a code.</summary>
    public int Bits;

    /// <summary>[groups, rows].</summary>
    public float* Scales;

    /// <summary>[groups, rows].</summary>
    public float* Offsets;

    /// <summary>Whether groups are of 16 columns, each with a scale; else of 32.</summary>
    public bool HasHalfGroups;

    /// <summary>Groups of columns.</summary>
    public int Groups;

    /// <summary>Groups that share a scale.</summary>
    public int Ratio;
}
