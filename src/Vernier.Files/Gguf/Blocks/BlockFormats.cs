namespace Vernier.Files.Gguf.Blocks;

/// <summary>All types of tensor data. A new format is a file beside this one and a line here; the tests run over this list.</summary>
public static class BlockFormats
{
    /// <summary>Plain 32-bit numbers.</summary>
    public static BlockFormat F32 { get; } = new F32();

    /// <summary>Plain fp16 numbers.</summary>
    public static BlockFormat F16 { get; } = new F16();

    /// <summary>Plain bfloat16 numbers.</summary>
    public static BlockFormat BF16 { get; } = new BF16();

    /// <summary>Every known type.</summary>
    public static IReadOnlyList<BlockFormat> All { get; } =
    [
        F32,
        F16,
        BF16,
        new Q4_0(),
        new Q4_1(),
        new Q5_0(),
        new Q5_1(),
        new Q8_0(),
        new Q2_K(),
        new Q3_K(),
        new Q4_K(),
        new Q5_K(),
        new Q6_K(),
        new IQ4_NL(),
        new IQ4_XS(),
        new MXFP4(),
        new TQ1_0(),
        new TQ2_0(),
        new IQ1_S(),
        new IQ1_M(),
        new IQ2_XXS(),
        new IQ2_XS(),
        new IQ2_S(),
        new IQ3_XXS(),
        new IQ3_S(),
        new NVFP4(),
        new Q1_0(),
        new Q2_0(),
        new KnownBySize("Q8_1", 9, 32, 36),
        new KnownBySize("Q8_K", 15, 256, 292),
        new KnownBySize("I8", 24, 1, 1),
        new KnownBySize("I16", 25, 1, 2),
        new KnownBySize("I32", 26, 1, 4),
        new KnownBySize("I64", 27, 1, 8),
        new KnownBySize("F64", 28, 1, 8),
    ];

    /// <summary>The names of all types, for messages.</summary>
    internal static string Known { get; } = string.Join(", ", All.Select(f => $"{f.Number} {f.Name}"));

    /// <summary>The type of a number in a file, or null.</summary>
    public static BlockFormat? Find(uint number)
    {
        foreach (var format in All)
            if (format.Number == number)
                return format;
        return null;
    }

    /// <summary>The type of a name such as Q4_0, or null.</summary>
    public static BlockFormat? Find(string name) => All.FirstOrDefault(f => string.Equals(f.Name, name, StringComparison.OrdinalIgnoreCase));
}
