using Vernier.Tuning;

namespace Vernier.Methods.LearnedGrids;

/// <summary>What the options say of a grid whose steps and offsets are both trained (L4Q, QAT-LoRA).</summary>
internal static class LearnedGridOptions
{
    /// <summary>Bytes of range, offset and rounded step of a group.</summary>
    public const int GroupBytes = 12;

    /// <summary>The starts, the default first.</summary>
    public static IReadOnlyList<string> Starts { get; } = ["l4q", "lsq+", "symm", "asymm"];

    /// <summary>The start that the options name.</summary>
    /// <exception cref="ArgumentException">Unknown name.</exception>
    public static GridStart StartOf(TuneOptions options) => (options.Init ?? Starts[0]) switch
    {
        "l4q" => GridStart.L4Q,
        "lsq+" => GridStart.LsqPlus,
        "symm" => GridStart.Symmetric,
        "asymm" => GridStart.Asymmetric,
        var name => throw new ArgumentException($"unknown start '{name}'; known: {string.Join(", ", Starts)}", nameof(options)),
    };

    /// <summary>Whether scales and offsets are rounded to fp16 in the loop.</summary>
    /// <exception cref="ArgumentException">A format that cannot hold a float offset.</exception>
    public static bool RoundsToHalf(TuneOptions options) => options.ExportFormat switch
    {
        null => false,
        "gguf" or "mlx" => true,
        _ => throw new ArgumentException($"export format '{options.ExportFormat}' holds no offset for each group; known: gguf, mlx", nameof(options)),
    };
}
