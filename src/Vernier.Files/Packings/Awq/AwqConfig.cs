using System.Text.Json;

namespace Vernier.Files.Packings.Awq;

/// <summary>Settings of an AWQ checkpoint (GEMM version, 4 bits): quantization_config of config.json.</summary>
/// <param name="GroupSize">Input columns that share a scale; 0 = one group (written as -1).</param>
internal sealed record AwqConfig(int GroupSize)
{
    /// <param name="settings">The object with bits, group_size, version, ...; older files write w_bit and q_group_size.</param>
    /// <param name="path">Its file, for messages.</param>
    /// <exception cref="InvalidDataException">A setting is missing or out of range.</exception>
    /// <exception cref="NotSupportedException">Another width, or another version than GEMM.</exception>
    public static AwqConfig Read(JsonElement settings, string path)
    {
        var old = settings.TryGetProperty("w_bit", out _);
        if (QuantizedTensors.Integer(settings, path, old ? "w_bit" : "bits") is var bits and not 4)
            throw new NotSupportedException($"{path}: quantization setting 'bits': found {bits}, only AWQ of 4 bits is read");
        var version = settings.TryGetProperty("version", out var value) ? value.ToString() : "gemm";
        if (!string.Equals(version, "gemm", StringComparison.OrdinalIgnoreCase))
            throw new NotSupportedException($"{path}: quantization setting 'version': found '{version}', only gemm is read");
        return new AwqConfig(QuantizedTensors.GroupSize(settings, path, old ? "q_group_size" : "group_size"));
    }
}
