namespace Vernier.Files.Gguf.Blocks;

/// <summary>How a block format divides into codes, scales and offsets. A value is fma(scale, code, offset) of its group, or
/// scale * Table[code] * TableUnit where there is a table (the offset is 0 then).</summary>
/// <param name="Bits">Bits of an unsigned code.</param>
/// <param name="GroupSize">Consecutive values that share a scale and an offset.</param>
/// <param name="ZeroPoint">The code that means 0 where the format fixes it: offset = -ZeroPoint * scale. Null where the offset is free or a table is used.</param>
/// <param name="Table">At most 16 values, one for each code, for formats with a codebook.</param>
/// <param name="CanJoin">Codes, scales and offsets can be put back into blocks.</param>
public sealed record BlockCodes(int Bits, int GroupSize, int? ZeroPoint = null, IReadOnlyList<sbyte>? Table = null, bool CanJoin = false)
{
    /// <summary>What the table's values are multiples of.</summary>
    public float TableUnit { get; init; } = 1;

    /// <summary>Where in a block its fp16 scales and minimums are. Multiplying all of them multiplies every value of the block and leaves the codes.</summary>
    public IReadOnlyList<int> HalfScales { get; init; } = [];

    /// <summary>Bits that hold the integer S of a group where scales are d * S, and the M of an offset -(dmin * M), d and dmin being the <see cref="HalfScales"/>;
    /// 0 where scales are no such products.</summary>
    internal int SubScaleBits { get; init; }

    /// <summary>The numbers that scales are stored as. All formats have one factor for a block, which every scale and minimum in it can be multiplied by:
    /// what it may be depends on them.</summary>
    public ScaleStorage Storage { get; init; } = ScaleStorage.Half;

    /// <summary>Offsets can be written back apart from their scales, in this format or in the one of as many bits that has minimums (Q4_1, Q5_1).</summary>
    public bool HasFreeOffsets => CanJoin && Table is null && Bits < 8;
}
