namespace Vernier.Kernels;

/// <summary>A row of a codebook of 8 bits, unpacked: its values are codes of 8 bits.</summary>
internal readonly unsafe struct Int8GemvCodebookRowAvx2 : IInt8RowDot
{
    public static InstructionTier Tier => Int8Gemv8BitRowAvx2.Tier;

    public static bool Unpacks => true;

    public static float Middle => Int8Gemv8BitRowAvx2.Middle;

    public static float Dot<TGroups>(byte* codes, float* factors, int groups, sbyte* x)
        where TGroups : struct, IGroupFactors => Int8Gemv8BitRowAvx2.Dot<TGroups>(codes, factors, groups, x);
}
