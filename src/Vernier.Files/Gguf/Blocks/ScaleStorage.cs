namespace Vernier.Files.Gguf.Blocks;

/// <summary>The numbers that a block's scales are stored as: how finely they can be changed while the codes stay.</summary>
public enum ScaleStorage
{
    /// <summary>fp16, for the block or, beside inner scales that stay, for the super-block: any factor, rounded to half a unit of the eleventh binary digit.</summary>
    Half,

    /// <summary>A power of two (MXFP4): no factor but powers of two.</summary>
    PowerOfTwo,

    /// <summary>Eight bits with three of mantissa (NVFP4): steps of an eighth, which is more than tuning moves a scale.</summary>
    Float8,
}
