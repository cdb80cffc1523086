namespace Vernier.Tuning;

/// <summary>The model that was tuned, as the choice of an export format sees it.</summary>
/// <param name="IsQuantized">It has codes of its own.</param>
/// <param name="IsGguf">It came from a GGUF file.</param>
/// <param name="HasKQuants">Some of its tensors are in K-quant blocks or their kin, where several groups share one fp16 scale.</param>
public readonly record struct ExportSource(bool IsQuantized, bool IsGguf, bool HasKQuants = false);

/// <summary>A format that takes what a method leaves.</summary>
/// <param name="Format">gguf, native or hf.</param>
/// <param name="Note">What else can be done; null = nothing to say.</param>
public readonly record struct ExportTarget(string Format, string? Note = null)
{
    /// <summary>The arguments of <c>export</c>.</summary>
    public string Arguments => $"--to {Format} --out {(Format == "gguf" ? "tuned.gguf" : "tuned")}";

    /// <summary>A folder in full precision.</summary>
    public static ExportTarget FullPrecision { get; } = new("hf");

    /// <summary>Where a path lies beside codes.</summary>
    public static ExportTarget BesideCodes { get; } = new("hf", "in full precision; --merge-lossy rounds it again for other formats");

    /// <summary>Where the result has codes, of the model or of the run.</summary>
    public static ExportTarget OfCodes(TuneOptions options, ExportSource source)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Bits is not null ? new("native", "--to gguf where groups of 32 fit")
            : source.IsGguf ? new("gguf")
            : new("native", "or the packing that it came in");
    }
}
