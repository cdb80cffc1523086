using Vernier.Files;
using Vernier.Files.Disk;
using Vernier.Files.Gguf;
using Vernier.Files.HuggingFace;
using Vernier.Files.Pickle;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Models;

namespace Vernier.Inspection;

/// <summary>Reads what a file or folder holds without loading a model: headers only, and the codes once for their hash.</summary>
public static class FileInspector
{
    private const int MetadataTextLength = 200;

    /// <summary>Inspects a .gguf, .safetensors or .bin file, or a model folder. A file's kind is decided by its first bytes, then by its name.</summary>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder.</exception>
    /// <exception cref="InvalidDataException">The content is damaged: says where, what was found and what was expected.</exception>
    /// <exception cref="NotSupportedException">The content is valid but not done here.</exception>
    public static FileInspection Inspect(string path, CancellationToken cancel = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
            return Folder(path, cancel);
        if (!File.Exists(path))
            throw new FileNotFoundException($"{path}: no such file or folder", path);
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".safetensors" => Safetensors(path),
            ".bin" or ".pt" or ".pth" => Torch(path),
            ".gguf" => Gguf(path, cancel),
            _ => StartsWith(path, "GGUF"u8) ? Gguf(path, cancel) : StartsWith(path, "PK"u8) ? Torch(path)
                : HasHeaderOfSafetensors(path) ? Safetensors(path)
                : throw new InvalidDataException($"{path}: beginning of the file: found none of a model, expected GGUF, a safetensors header or a PyTorch archive"),
        };
    }

    /// <summary>Behind the length of the header stands its JSON object.</summary>
    private static bool HasHeaderOfSafetensors(string path)
    {
        using var file = File.OpenRead(path);
        var start = new byte[9];
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start[8] == '{';
    }

    private static FileInspection Gguf(string path, CancellationToken cancel)
    {
        using var file = GgufFile.Open(path);
        var architecture = file.Metadata.FindString("general.architecture");
        var parameters = file.Tensors.Sum(t => t.Elements);
        var inspection = new FileInspection
        {
            Path = path,
            Kind = "gguf",
            Shards = file.Shards,
            Shard = file.Shard,
            Architecture = architecture,
            Parameters = parameters,
            BitsPerWeight = Bits(file.Tensors.Sum(t => t.ByteLength), parameters),
            Bytes = file.Length,
            CodesSha256 = GgufCodes.Sha256(file, cancel),
            Metadata = file.Metadata.ToDictionary(v => v.Key, v => Shortened(v.ToString())),
            Tensors = [.. file.Tensors.Select(t => new InspectedTensor(t.Name, t.Dimensions, t.Format.Name, t.ByteLength))],
        };
        return inspection.With(file);
    }

    private static FileInspection Safetensors(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return Plain(path, "safetensors", null, [.. file.Tensors.Select(t => new InspectedTensor(t.Name, t.Shape, t.Type.ToString(), t.ByteLength))]) with { Metadata = file.Metadata };
    }

    private static FileInspection Torch(string path)
    {
        using var file = TorchFile.Open(path);
        return Plain(path, "pickle", null, [.. file.Tensors.Select(t => new InspectedTensor(t.Name, t.Shape, t.Type.ToString(), t.Elements * t.Type.Size()))]);
    }

    private static FileInspection Folder(string path, CancellationToken cancel)
    {
        using var folder = HfFolder.Open(path);
        var architecture = folder.Config.RootElement.TryGetProperty("model_type", out var type) ? type.ToString() : null;
        var packed = QuantizedFolder.Find(folder);
        var tensors = QuantizedWeights.Tensors(folder, packed).Select(t => new InspectedTensor(t.Name, t.Shape, t.Format, t.Bytes));
        var inspection = Plain(path, "folder", architecture, [.. tensors]) with
        {
            Quantization = packed?.Method,
            CodesSha256 = packed is null ? null : CodeHash.Of(QuantizedWeights.Codes(packed, ModelFacts.Read(() => HuggingFaceConfig.Read(folder.ConfigPath, folder.Config.RootElement))), cancel),
        };
        return inspection.With(folder, packed);
    }

    private static FileInspection Plain(string path, string kind, string? architecture, IReadOnlyList<InspectedTensor> tensors)
    {
        var parameters = tensors.Sum(t => t.Shape.Aggregate(1L, (a, b) => a * b));
        return new FileInspection
        {
            Path = path,
            Kind = kind,
            Architecture = architecture,
            Parameters = parameters,
            BitsPerWeight = Bits(tensors.Sum(t => t.Bytes), parameters),
            Bytes = File.Exists(path) ? new FileInfo(path).Length : Directory.EnumerateFiles(path).Sum(f => new FileInfo(f).Length),
            Tensors = tensors,
        };
    }

    private static double Bits(long bytes, long parameters) => parameters == 0 ? 0 : 8.0 * bytes / parameters;

    private static string Shortened(string text) => text.Length > MetadataTextLength ? text[..MetadataTextLength] + "…" : text;

    private static bool StartsWith(string path, ReadOnlySpan<byte> magic)
    {
        using var stream = InputFile.OpenRead(path);
        Span<byte> start = stackalloc byte[magic.Length];
        return stream.ReadAtLeast(start, magic.Length, throwOnEndOfStream: false) == magic.Length && start.SequenceEqual(magic);
    }
}
