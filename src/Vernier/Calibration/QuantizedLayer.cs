namespace Vernier.Calibration;

/// <summary>What quantizing did to one linear.</summary>
/// <param name="Name">Module path; with --to the tensor's name in the file.</param>
/// <param name="Bits">Of a code.</param>
/// <param name="RelativeError">‖W - Ŵ‖² / ‖W‖².</param>
public sealed record QuantizedLayer(string Name, int Bits, double RelativeError)
{
    /// <summary>The block format of a GGUF file; null where a scheme made the codes.</summary>
    public string? Format { get; init; }
}
