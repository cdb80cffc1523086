using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.HuggingFace;
using Vernier.Files.Tensors;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>What planning needs to know of a model: read from headers, without loading a weight.</summary>
/// <param name="Linears">The linears of the blocks, as they are stored.</param>
/// <param name="OtherBytes">Bytes in memory of everything else.</param>
/// <param name="OtherFileBytes">Bytes of everything else as it is stored.</param>
public sealed record ModelOutline(ModelConfig Config, IReadOnlyList<LinearShape> Linears, long OtherBytes, long OtherFileBytes)
{
    /// <summary>The embedding table and the output matrix as they are stored; one where the model ties them.</summary>
    public IReadOnlyList<LinearShape> Tables { get; init; } = [];

    /// <summary>A published shape in full precision (fp16), or packed.</summary>
    public static ModelOutline Of(ModelConfig config, int? bits = null, int group = 0)
    {
        var other = 2 * TuningPlan.OtherParameters(config);
        return new(config, LinearShape.Of(config, bits, group), other, other);
    }

    /// <summary>Reads the headers of a .gguf file or a model folder.</summary>
    /// <exception cref="FileNotFoundException">There is neither.</exception>
    /// <exception cref="InvalidDataException">The content is damaged.</exception>
    public static ModelOutline Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
            return Folder(path);
        if (!File.Exists(path))
            throw new FileNotFoundException($"{path}: no such file or folder", path);
        using var file = GgufFile.Open(path);
        var config = GgufConfig.Read(file);
        return Of(config, StoredTensors.OfGguf(config), file.Tensors.Select(t => new Stored(t.Name, t.Columns, t.Rows,
            t.Format.Codes?.Bits, t.Format.Codes?.GroupSize ?? 0, t.Format.Name is "F16" or "BF16" ? 2 : 4, t.ByteLength, t.Format.Codes is null ? null : t.Format)));
    }

    private static ModelOutline Folder(string path)
    {
        using var folder = HfFolder.Open(path);
        var config = HuggingFaceConfig.Read(folder.ConfigPath, folder.Config.RootElement);
        var packed = QuantizedFolder.Find(folder);
        var layouts = packed?.Modules.ToDictionary(module => module + ".weight", packed.Describe, StringComparer.Ordinal);
        return Of(config, StoredTensors.OfFolder(config), QuantizedWeights.Tensors(folder, packed).Select(t =>
        {
            var layout = layouts?.GetValueOrDefault(t.Name);
            return new Stored(t.Name, t.Shape[^1], t.Elements / Math.Max(1, t.Shape[^1]), layout?.Bits, layout?.GroupSize ?? 0,
                t.Format is nameof(ElementType.F16) or nameof(ElementType.BF16) ? 2 : 4, t.Bytes);
        }));
    }

    private static ModelOutline Of(ModelConfig config, StoredTensors places, IEnumerable<Stored> tensors)
    {
        var linears = LinearShape.Of(config).ToDictionary(l => l.Name + ".weight", StringComparer.Ordinal);
        var tables = TablesOf(config).ToDictionary(t => t.Name + ".weight", StringComparer.Ordinal);
        var (other, otherFile) = (0L, 0L);
        foreach (var tensor in tensors)
            if (places.Parts(tensor.Name) is { Count: > 0 } parts && parts.All(p => linears.ContainsKey(p.Name)))
                foreach (var part in parts)
                    linears[part.Name] = linears[part.Name] with { Bits = tensor.Bits, Group = tensor.Group, WeightBytes = tensor.WeightBytes, Block = tensor.Block };
            else
            {
                other += tensor.Bits is { } bits
                    ? tensor.Rows * ((tensor.Columns + 63) / 64) * 8 * bits + 8 * tensor.Rows * ((tensor.Columns + tensor.Group - 1) / tensor.Group)
                    : tensor.Rows * tensor.Columns * (tensor.Rows == 1 ? 4 : tensor.WeightBytes);
                otherFile += tensor.Bytes;
                if (places.Parts(tensor.Name) is [var part] && tables.TryGetValue(part.Name, out var table))
                    tables[part.Name] = table with { Bits = tensor.Bits, Group = tensor.Group, WeightBytes = tensor.WeightBytes, Block = tensor.Block };
            }
        return new(config, [.. linears.Values], other, otherFile) { Tables = [.. tables.Values] };
    }

    private static IEnumerable<LinearShape> TablesOf(ModelConfig config)
    {
        var (names, width) = (ParameterNames.Of(config.Architecture), config.EmbeddingSize == 0 ? config.HiddenSize : config.EmbeddingSize);
        yield return new(names.Embedding, width, config.VocabularySize) { IsHead = config.TiedHead };
        if (!config.TiedHead)
            yield return new(names.Head, width, config.VocabularySize) { IsHead = true };
    }

    private readonly record struct Stored(string Name, long Columns, long Rows, int? Bits, int Group, int WeightBytes, long Bytes, BlockFormat? Block = null);
}
