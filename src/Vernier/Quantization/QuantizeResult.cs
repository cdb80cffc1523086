namespace Vernier.Quantization;

/// <summary>What <c>quantize</c> tells. Property names in snake_case are the fields of the JSON result.</summary>
/// <param name="Format">gguf or native.</param>
/// <param name="Bytes">Of all files.</param>
/// <param name="CodesSha256">Fingerprint of all integer codes of the result.</param>
/// <param name="Requantized">The model was quantized already: its dequantized weights were quantized again.</param>
/// <param name="Seconds">Of quantizing, without loading and writing.</param>
public sealed record QuantizeResult(string Path, string Format, long Bytes, string Scheme, int Bits, int Group, string? CodesSha256, bool Requantized, double Seconds, IReadOnlyList<QuantizedLayer> Layers);
