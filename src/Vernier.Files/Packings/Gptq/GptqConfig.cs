using System.Text.Json;
using Vernier.Files.Disk;

namespace Vernier.Files.Packings.Gptq;

/// <summary>Settings of a GPTQ checkpoint: quantization_config of config.json, or quantize_config.json.</summary>
/// <param name="Bits">2, 3, 4 or 8.</param>
/// <param name="GroupSize">Input columns that share a scale; 0 = one group (written as -1).</param>
/// <param name="Symmetric">All zero points are 2^(bits-1).</param>
/// <param name="ActivationOrder">Columns were quantized by decreasing importance (desc_act), so g_idx is in any order.</param>
/// <param name="StoresZeroMinusOne">Version 1 stores zero points less one; version 2 ("gptq_v2") as they are.</param>
internal sealed record GptqConfig(int Bits, int GroupSize, bool Symmetric = false, bool ActivationOrder = false, bool StoresZeroMinusOne = true)
{
    /// <param name="settings">The object with bits, group_size, ...</param>
    /// <param name="path">Its file, for messages.</param>
    /// <exception cref="InvalidDataException">A setting is missing or out of range.</exception>
    /// <exception cref="NotSupportedException">A width or checkpoint format that is not read here.</exception>
    public static GptqConfig Read(JsonElement settings, string path)
    {
        var bits = Checked(QuantizedTensors.Integer(settings, path, "bits"), path);
        var format = settings.TryGetProperty("checkpoint_format", out var value) || settings.TryGetProperty("format", out value) ? value.ToString() : "gptq";
        if (format is not ("gptq" or "gptq_v2"))
            throw new NotSupportedException($"{path}: quantization setting 'checkpoint_format': found '{format}', only gptq and gptq_v2 are read");
        return new GptqConfig(bits, QuantizedTensors.GroupSize(settings, path), QuantizedTensors.Flag(settings, path, "sym"), QuantizedTensors.Flag(settings, path, "desc_act"), format == "gptq");
    }

    /// <summary>These settings with those that an entry of <c>dynamic</c> (GPTQModel) states for some modules.</summary>
    /// <exception cref="InvalidDataException">A setting is out of range.</exception>
    /// <exception cref="NotSupportedException">A width that is not read here.</exception>
    internal GptqConfig With(JsonElement settings, string path)
    {
        if (settings.ValueKind != JsonValueKind.Object)
            throw Damaged.File(path, "quantization setting 'dynamic'", $"{settings.ValueKind}", "an object for each pattern");
        var changed = this with { Bits = Checked(QuantizedTensors.Integer(settings, path, "bits", absent: Bits), path) };
        if (settings.TryGetProperty("group_size", out _))
            changed = changed with { GroupSize = QuantizedTensors.GroupSize(settings, path) };
        return settings.TryGetProperty("desc_act", out _) ? changed with { ActivationOrder = QuantizedTensors.Flag(settings, path, "desc_act") } : changed;
    }

    private static int Checked(int bits, string path) => bits is 2 or 3 or 4 or 8
        ? bits
        : throw new NotSupportedException($"{path}: quantization setting 'bits': found {bits}, only 2, 3, 4 and 8 are read");
}
