namespace Vernier.Calibration;

/// <summary>What <c>quantize</c> tells. Property names in snake_case are the fields of the JSON result.</summary>
/// <param name="Path">The file or folder.</param>
/// <param name="Format">gguf or native.</param>
/// <param name="Bytes">Of all files.</param>
/// <param name="Scheme">The quantizer, or with --to the mixture.</param>
/// <param name="Bits">Of a code, where no override and no mixture gives others.</param>
/// <param name="Group">Columns that share a scale; 0 = per channel.</param>
/// <param name="CodesSha256">Fingerprint of all integer codes of the result.</param>
/// <param name="Requantized">The model was quantized already: its dequantized weights were quantized again.</param>
/// <param name="Seconds">Of quantizing, without loading and writing.</param>
/// <param name="Layers">What it did to every linear; with --to to every tensor.</param>
public sealed record QuantizeResult(string Path, string Format, long Bytes, string Scheme, int Bits, int Group, string? CodesSha256, bool Requantized, double Seconds, IReadOnlyList<QuantizedLayer> Layers)
{
    /// <summary>The importance matrix that errors were weighed by; null without one.</summary>
    public string? Importance { get; init; }

    /// <summary>What its user should know.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
