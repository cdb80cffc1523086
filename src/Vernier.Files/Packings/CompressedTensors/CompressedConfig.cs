using System.Text.Json;
using Vernier.Files.Disk;

namespace Vernier.Files.Packings.CompressedTensors;

/// <summary>Settings of a compressed-tensors checkpoint in the form "pack-quantized": quantization_config of config.json.</summary>
/// <param name="Bits">4 or 8.</param>
/// <param name="GroupSize">Input columns that share a scale; 0 = one group (strategy "channel").</param>
internal sealed record CompressedConfig(int Bits, int GroupSize)
{
    /// <param name="settings">The object with format and config_groups; all groups must have the same weights.</param>
    /// <param name="path">Its file, for messages.</param>
    /// <exception cref="InvalidDataException">A setting is missing or out of range.</exception>
    /// <exception cref="NotSupportedException">Another form, width or strategy.</exception>
    public static CompressedConfig Read(JsonElement settings, string path)
    {
        var format = settings.TryGetProperty("format", out var value) ? value.ToString() : "";
        if (format != "pack-quantized")
            throw new NotSupportedException($"{path}: quantization setting 'format': found '{format}', only pack-quantized is read");
        if (!settings.TryGetProperty("config_groups", out var groups) || groups.ValueKind != JsonValueKind.Object)
            throw Damaged.File(path, "quantization settings", "no such key", "an object 'config_groups'");
        CompressedConfig? all = null;
        foreach (var group in groups.EnumerateObject())
        {
            if (group.Value.ValueKind != JsonValueKind.Object || !group.Value.TryGetProperty("weights", out var weights) || weights.ValueKind != JsonValueKind.Object)
                throw Damaged.File(path, $"config_groups '{group.Name}'", "no such key", "an object 'weights'");
            var one = ReadWeights(weights, path);
            if (all is not null && all != one)
                throw new NotSupportedException($"{path}: config_groups: found {all} and {one}, only one kind of weights is read");
            all = one;
        }
        return all ?? throw Damaged.File(path, "config_groups", "nothing", "a group");
    }

    private static CompressedConfig ReadWeights(JsonElement weights, string path)
    {
        var bits = QuantizedTensors.Integer(weights, path, "num_bits");
        if (bits is not (4 or 8))
            throw new NotSupportedException($"{path}: quantization setting 'num_bits': found {bits}, only 4 and 8 are read");
        var strategy = weights.TryGetProperty("strategy", out var value) ? value.ToString() : "";
        return strategy switch
        {
            "channel" => new CompressedConfig(bits, 0),
            "group" when QuantizedTensors.GroupSize(weights, path) is > 0 and var size => new CompressedConfig(bits, size),
            "group" => throw Damaged.File(path, "quantization setting 'group_size'", "none", "a positive number"),
            _ => throw new NotSupportedException($"{path}: quantization setting 'strategy': found '{strategy}', only group and channel are read"),
        };
    }
}
