namespace Vernier.Calibration;

/// <summary>What quantizing did to one linear.</summary>
/// <param name="Name">Module path.</param>
/// <param name="Bits">Of a code.</param>
/// <param name="RelativeError">‖W - Ŵ‖² / ‖W‖².</param>
public sealed record QuantizedLayer(string Name, int Bits, double RelativeError);
