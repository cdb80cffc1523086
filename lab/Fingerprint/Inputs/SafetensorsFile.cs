using System.Text;
using System.Text.Json.Nodes;

namespace Vernier.Fingerprint.Inputs;

/// <summary>Writes a safetensors file: 8 bytes of header length, a JSON header, the tensors one after the other.</summary>
internal static class SafetensorsFile
{
    public static void Write(string path, IReadOnlyList<Tensor> tensors)
    {
        var header = new JsonObject();
        long at = 0;
        foreach (var tensor in tensors)
        {
            header[tensor.Name] = new JsonObject
            {
                ["dtype"] = tensor.Type,
                ["shape"] = new JsonArray([.. tensor.Shape.Select(s => JsonValue.Create(s))]),
                ["data_offsets"] = new JsonArray(at, at + tensor.Bytes.Length),
            };
            at += tensor.Bytes.Length;
        }
        var text = Encoding.UTF8.GetBytes(header.ToJsonString());
        using var file = File.Create(path);
        file.Write(BitConverter.GetBytes((long)text.Length));
        file.Write(text);
        foreach (var tensor in tensors)
            file.Write(tensor.Bytes);
    }
}
