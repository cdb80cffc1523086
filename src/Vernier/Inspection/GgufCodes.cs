using Vernier.Files.Gguf;
using Vernier.Models;

namespace Vernier.Inspection;

/// <summary>The integer codes of a GGUF file, read from the file row by row: the same fingerprint as that of the loaded model.</summary>
internal static class GgufCodes
{
    public static string? Sha256(GgufFile file, CancellationToken cancel = default)
    {
        var architecture = file.Metadata.FindString("general.architecture") ?? "";
        var (heads, width) = (file.Metadata.FindLayerSize($"{architecture}.attention.head_count"), file.Metadata.FindLayerSize($"{architecture}.embedding_length"));
        var headDim = file.Metadata.FindLayerSize($"{architecture}.attention.key_length") ?? (heads > 0 ? width / heads : null) ?? 0;
        var places = ModelFacts.Read(() => StoredTensors.OfGguf(GgufConfig.Read(file))); // null: nothing but the names is known
        return CodeHash.Of(file.Tensors.Where(t => t.Format.Codes is not null && t.Dimensions.Count is 2 or 3)
            .SelectMany(t => Parts(t, places, architecture, (int)headDim).Select(p => Matrix(file, t, p))), cancel);
    }

    private static IReadOnlyList<StoredPart> Parts(GgufTensor tensor, StoredTensors? places, string architecture, int headDim)
    {
        if (places?.Parts(tensor.Name) is { Count: > 0 } parts && (!parts[0].IsFused || parts[0].StoredRows == tensor.Rows))
            return parts;
        var name = GgufNames.Of(architecture).ToHuggingFace(tensor.Name) ?? tensor.Name;
        return [new StoredPart(name, tensor.Name, 0, 0, GgufNames.RowOrder(name, architecture, headDim))];
    }

    private static CodeMatrix Matrix(GgufFile file, GgufTensor tensor, StoredPart part)
    {
        var groups = (int)(tensor.Columns / tensor.Format.Codes!.GroupSize);
        var (scale, offset) = (new float[groups], new float[groups]);
        return new CodeMatrix(part.Name, part.IsFused ? part.Rows : checked((int)tensor.Rows), checked((int)tensor.Columns),
            (row, codes) => tensor.Format.Split(file.Row(tensor, part.Order.FileRow(row)), codes, scale, offset));
    }

    private static long? FindLayerSize(this GgufMetadata metadata, string key) =>
        metadata.TryGet(key, out var value) && value.Type is not (GgufValueType.Array or GgufValueType.String) ? value.AsInteger() : null;
}
