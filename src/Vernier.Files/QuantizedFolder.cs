using System.Text.Json;
using Vernier.Files.Disk;
using Vernier.Files.HuggingFace;
using Vernier.Files.Packings;
using Vernier.Files.Packings.Awq;
using Vernier.Files.Packings.BitsAndBytes;
using Vernier.Files.Packings.CompressedTensors;
using Vernier.Files.Packings.Gptq;
using Vernier.Files.Packings.Mlx;
using Vernier.Files.Packings.Native;

namespace Vernier.Files;

/// <summary>Finds the packing of a model folder.</summary>
internal static class QuantizedFolder
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
