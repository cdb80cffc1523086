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
        return CodeHash.Of(file.Tensors.Where(t => t.Format.Codes is not null && t.Dimensions.Count == 2).Select(t => Matrix(file, t, architecture, (int)headDim)), cancel);
    }

    private static CodeMatrix Matrix(GgufFile file, GgufTensor tensor, string architecture, int headDim)
    {
        var name = GgufNames.ToHuggingFace(tensor.Name) ?? tensor.Name;
        var order = GgufNames.RowOrder(name, architecture, headDim);
        var groups = (int)(tensor.Columns / tensor.Format.Codes!.GroupSize);
        var (scale, offset) = (new float[groups], new float[groups]);
        return new CodeMatrix(name, checked((int)tensor.Rows), checked((int)tensor.Columns),
            (row, codes) => tensor.Format.Split(file.Row(tensor, order.FileRow(row)), codes, scale, offset));
    }

    private static long? FindLayerSize(this GgufMetadata metadata, string key) =>
        metadata.TryGet(key, out var value) && value.Type is not (GgufValueType.Array or GgufValueType.String) ? value.AsInteger() : null;
}
