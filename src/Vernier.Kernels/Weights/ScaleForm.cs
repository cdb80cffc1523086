namespace Vernier.Kernels;

/// <summary>How scales lie in memory.</summary>
internal enum ScaleForm
{
    /// <summary>fp32.</summary>
    Float,

    /// <summary>fp16.</summary>
    Half,

    /// <summary><see cref="ScaleBlocks"/> of 8 groups, a signed byte each: Q4_K, Q5_K, IQ4_XS.</summary>
    Blocks8,

    /// <summary><see cref="ScaleBlocks"/> of 16 groups, a signed byte each: Q3_K, Q6_K.</summary>
    Blocks16,

    /// <summary><see cref="ScaleBlocks"/> of 16 groups, 4 bits each, the second eight in the upper halves of the bytes: Q2_K.</summary>
    Nibbles16,
}

/// <summary>Sizes of a <see cref="ScaleForm"/>.</summary>
internal static class ScaleForms
{
    /// <summary>Groups that share an fp16 factor; 1 = each has its own scale.</summary>
    public static int GroupsOf(ScaleForm form) => form switch { ScaleForm.Blocks8 => 8, ScaleForm.Blocks16 or ScaleForm.Nibbles16 => 16, _ => 1 };

    /// <summary>Bytes of so many groups, whole sixteens where they share factors.</summary>
    public static long Bytes(ScaleForm form, long groups) => form switch
    {
        ScaleForm.Float => groups * sizeof(float),
        ScaleForm.Half => groups * sizeof(ushort),
        ScaleForm.Blocks8 => groups / 16 * ScaleBlocks.Bytes8,
        ScaleForm.Blocks16 => groups / 16 * ScaleBlocks.Bytes16,
        _ => groups / 16 * ScaleBlocks.BytesOfNibbles,
    };
}
