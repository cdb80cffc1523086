namespace Vernier.Files.Gguf.Blocks;

/// <summary>What the codes of IQ2_XXS, IQ2_XS and IQ2_S stand for, in eighths of a scale d * (2 s + 1): three magnitudes, then their negatives.</summary>
internal static class IQ2Levels
{
    /// <summary>Added to a magnitude's code where the weight is negative.</summary>
    public const int Negative = 3;

    /// <summary>How these formats divide.</summary>
    public static BlockCodes Codes(int groupSize) => new(3, groupSize, Table: [8, 25, 43, -8, -25, -43, 0, 0]) { TableUnit = 1 / 8f, HalfScales = [0], SubScaleBits = 5 };
}
