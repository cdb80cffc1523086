using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files.Disk;

namespace Vernier.Files.Packings.Native;

/// <summary>The <c>quantization_config</c> of a native folder: <c>{"quant_method": "vernier", "version": 1, "modules": {NAME: {"shape": [rows, columns],
/// "bits", "group_size", "codebook"?, "activation_order"?}}}</c>. Matrices that it does not list are stored as in every Hugging Face folder.</summary>
internal static class NativeConfig
{
    /// <summary>Value of quant_method.</summary>
    public const string Method = "vernier";

    private const string Key = "quantization_config";
    private const int Version = 1;

    /// <summary>The packed matrices of a folder by module name.</summary>
    /// <param name="settings">The value of <c>quantization_config</c>.</param>
    /// <param name="path">Its file, for messages.</param>
    /// <exception cref="InvalidDataException">A setting is missing or out of range.</exception>
    /// <exception cref="NotSupportedException">A later version.</exception>
    public static IReadOnlyDictionary<string, PackedLayout> Read(JsonElement settings, string path)
    {
        if (QuantizedTensors.Integer(settings, path, "version") is var version && version != Version)
            throw new NotSupportedException($"{path}: {Key}: version {version} is not read here, only {Version}");
        if (!settings.TryGetProperty("modules", out var modules) || modules.ValueKind != JsonValueKind.Object)
            throw Damaged.File(path, Key, "no modules", "an object 'modules'");
        var matrices = new Dictionary<string, PackedLayout>(StringComparer.Ordinal);
        foreach (var module in modules.EnumerateObject())
            if (!matrices.TryAdd(module.Name, Read(module.Value, path, module.Name)))
                throw Damaged.File(path, Key, $"'{module.Name}' a second time", "every name once");
        return matrices;
    }

    /// <summary>The value of <c>quantization_config</c>.</summary>
    public static JsonObject ToJson(IEnumerable<KeyValuePair<string, PackedLayout>> matrices)
    {
        var modules = new JsonObject();
        foreach (var (name, matrix) in matrices)
        {
            var entry = new JsonObject { ["shape"] = new JsonArray(matrix.Rows, matrix.Columns), ["bits"] = matrix.Bits, ["group_size"] = matrix.GroupSize };
            if (matrix.Codebook is { } codebook)
                entry["codebook"] = new JsonArray([.. codebook.Select(v => (JsonNode)v)]);
            if (matrix.ActivationOrder)
                entry["activation_order"] = true;
            modules[name] = entry;
        }
        return new JsonObject { ["quant_method"] = Method, ["version"] = Version, ["modules"] = modules };
    }

    private static PackedLayout Read(JsonElement entry, string path, string name)
    {
        if (entry.ValueKind != JsonValueKind.Object)
            throw Damaged.File(path, Place(), $"{entry.ValueKind}", "an object");
        if (!entry.TryGetProperty("shape", out var shape) || shape.ValueKind != JsonValueKind.Array || shape.GetArrayLength() != 2)
            throw Damaged.File(path, Place(), "no shape", "[rows, columns]");
        var (rows, columns) = (Size(shape[0]), Size(shape[1]));
        var (bits, group) = (QuantizedTensors.Integer(entry, path, "bits"), QuantizedTensors.Integer(entry, path, "group_size"));
        if (bits is < 2 or > 8)
            throw Damaged.File(path, Place(), $"{bits} bits", "2 to 8");
        if (group < 1 || group > columns)
            throw Damaged.File(path, Place(), $"a group of {group}", $"1 to {columns} columns");
        if ((long)rows * columns > int.MaxValue)
            throw Damaged.File(path, Place(), $"shape [{rows}, {columns}]", "less than 2^31 elements");
        return new PackedLayout(rows, columns, bits, group, Codebook(), QuantizedTensors.Flag(entry, path, "activation_order"));

        string Place() => $"{Key} '{name}'";

        int Size(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var size) && size > 0
            ? size
            : throw Damaged.File(path, Place(), $"{value}", "a positive size");

        float[]? Codebook()
        {
            if (!entry.TryGetProperty("codebook", out var values))
                return null;
            if (values.ValueKind != JsonValueKind.Array || values.GetArrayLength() > 16 || bits > 4 || values.GetArrayLength() < 1 << bits)
                throw Damaged.File(path, Place(), "a codebook that does not fit the bits", $"{1 << Math.Min(bits, 4)} to 16 numbers for codes of at most 4 bits");
            return [.. values.EnumerateArray().Select(v => v.ValueKind == JsonValueKind.Number && v.TryGetSingle(out var number) && float.IsFinite(number)
                ? number
                : throw Damaged.File(path, Place(), $"{v} in the codebook", "a number"))];
        }
    }
}
