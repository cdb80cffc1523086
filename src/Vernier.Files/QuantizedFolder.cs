using System.Text.Json;
using Vernier.Files.Awq;
using Vernier.Files.BitsAndBytes;
using Vernier.Files.CompressedTensors;
using Vernier.Files.Gptq;
using Vernier.Files.HuggingFace;
using Vernier.Files.Mlx;
using Vernier.Files.Native;
using Vernier.Kernels;

namespace Vernier.Files;

/// <summary>Finds the packing of a model folder.</summary>
public static class QuantizedFolder
{
    /// <summary>By <c>quantization_config</c> (<c>quantization</c> in MLX folders) of config.json, else by quantize_config.json (older GPTQ) or
    /// quant_config.json (older AWQ).</summary>
    /// <returns>Null where the folder says nothing of a quantization.</returns>
    /// <exception cref="InvalidDataException">A setting is missing or out of range.</exception>
    /// <exception cref="NotSupportedException">A packing that is not read here.</exception>
    public static IQuantizedFolder? Find(HfFolder folder)
    {
        return FindSettings(folder) is { } found ? Open(folder, found.Settings, found.Path, found.Method) : null;
    }

    /// <summary>The settings themselves, the file that holds them, and the name of the packing.</summary>
    /// <inheritdoc cref="Find"/>
    public static (JsonElement Settings, string Path, string Method)? FindSettings(HfFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (Object(folder.Config.RootElement, "quantization") is { } mlx)
            return (mlx, folder.ConfigPath, MlxFolder.Name);
        if (Object(folder.Config.RootElement, "quantization_config") is { } settings)
            return (settings, folder.ConfigPath, MethodOf(settings) ?? UnnamedMethod(folder, settings));
        return FindBeside(folder, "quantize_config.json", GptqFolder.Name) ?? FindBeside(folder, "quant_config.json", AwqFolder.Name);
    }

    /// <summary>A layer as the matrix that products read.</summary>
    /// <param name="folder">Where it was read from, for messages.</param>
    /// <param name="scales">Name of the tensor of its scales, for messages.</param>
    /// <exception cref="InvalidDataException">A scale or offset is not finite.</exception>
    internal static PackedMatrix ToPacked(QuantizedLayer layer, HfFolder folder, string scales)
    {
        var packed = new PackedMatrix(layer.OutFeatures, layer.InFeatures, layer.Bits, layer.GroupSize, layer.Codebook, layer.GroupIndex);
        for (var row = 0; row < layer.OutFeatures; row++)
            packed.SetRowCodes(row, layer.Codes.AsSpan(row * layer.InFeatures, layer.InFeatures));
        var scale = packed.Scales.Scale.Span;
        var offset = packed.Scales.Offset.Span;
        layer.Scales.CopyTo(scale);
        // A scale of 16 bits times a zero point is exact in fp32, so scale * code + offset is scale * (code - zero) to the bit.
        for (var i = 0; i < offset.Length; i++)
            offset[i] = layer.Offsets is not null ? layer.Offsets[i] : layer.ZeroPoints is not null ? -scale[i] * layer.ZeroPoints[i] : 0;
        var largest = layer.Codebook is null ? (1 << layer.Bits) - 1 : layer.Codebook.Max(MathF.Abs);
        var bad = NotFinite.GroupIn(scale, offset, largest);
        if (bad < 0)
            return packed;
        var found = $"a weight that is not finite (scale {scale[bad]}{(layer.Offsets is null ? "" : $", offset {offset[bad]}")}) in row {bad / layer.Groups}, group {bad % layer.Groups}";
        packed.Dispose();
        throw Damaged.File(folder.Get(scales).FilePath, $"tensor '{scales}'", found, "finite numbers");
    }

    /// <summary>The codes of a layer row by row.</summary>
    internal static Action<int, Span<byte>> CodesOf(QuantizedLayer layer) => (row, codes) => layer.Codes.AsSpan(row * layer.InFeatures, layer.InFeatures).CopyTo(codes);

    /// <summary>The modules that have a tensor of one of these suffixes: of several, so that a missing tensor is missed by its name.</summary>
    internal static IReadOnlyList<string> ModulesWith(HfFolder folder, params ReadOnlySpan<string> suffixes)
    {
        var modules = new List<string>();
        foreach (var suffix in suffixes)
            modules.AddRange(folder.Tensors.Where(t => t.Name.EndsWith(suffix, StringComparison.Ordinal)).Select(t => t.Name[..^suffix.Length]));
        return [.. modules.Distinct()];
    }

    private static (JsonElement Settings, string Path, string Method)? FindBeside(HfFolder folder, string file, string method)
    {
        using var json = folder.FindJson(file);
        if (json is null)
            return null;
        var path = Path.Combine(folder.Path, file);
        return json.RootElement.ValueKind == JsonValueKind.Object
            ? (json.RootElement.Clone(), path, MethodOf(json.RootElement) ?? method)
            : throw Damaged.File(path, "root", $"{json.RootElement.ValueKind}", "an object");
    }

    private static IQuantizedFolder Open(HfFolder folder, JsonElement settings, string path, string method) => method switch
    {
        NativeConfig.Method => new NativeFolder(folder, settings),
        GptqFolder.Name => new GptqFolder(folder, settings, path),
        AwqFolder.Name => new AwqFolder(folder, settings, path),
        MlxFolder.Name => new MlxFolder(folder, settings, path),
        CompressedFolder.Name => new CompressedFolder(folder, settings, path),
        BitsAndBytesFolder.Name => new BitsAndBytesFolder(folder, settings, path),
        _ => throw new NotSupportedException($"{path}: weights quantized by '{method}' are not read; gptq, awq, mlx, compressed-tensors and bitsandbytes are"),
    };

    // What bitsandbytes and MLX wrote before transformers asked for a name.
    private static string UnnamedMethod(HfFolder folder, JsonElement settings) =>
        settings.TryGetProperty("load_in_4bit", out _) || settings.TryGetProperty("load_in_8bit", out _) ? BitsAndBytesFolder.Name
        : folder.Tensors.Any(t => t.Name.EndsWith(".qweight", StringComparison.Ordinal)) ? GptqFolder.Name
        : MlxFolder.Name;

    private static string? MethodOf(JsonElement settings) =>
        settings.TryGetProperty("quant_method", out var method) && method.ValueKind == JsonValueKind.String ? method.GetString() : null;

    private static JsonElement? Object(JsonElement root, string key) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Object ? value : null;
}
