using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;

namespace Vernier.Fingerprint.Inputs;

/// <summary>The packings that are read but never written: compressed-tensors and bitsandbytes, with random codes in place of a model's linears.</summary>
internal static class PackedFolder
{
    private static readonly float[] s_nf4 =
        [-1, -0.69619280f, -0.52507305f, -0.39491749f, -0.28444138f, -0.18477343f, -0.09105004f, 0, 0.07958030f, 0.16093020f, 0.24611230f, 0.33791524f, 0.44070983f, 0.56261700f, 0.72295684f, 1];
    private static readonly float[] s_fp4 = [0, 0.0052083333f, 0.6666667f, 1, 0.33333334f, 0.5f, 0.16666667f, 0.25f, 0, -0.0052083333f, -0.6666667f, -1, -0.33333334f, -0.5f, -0.16666667f, -0.25f];

    public static IReadOnlyList<(string Name, string Settings, Func<Noise, string, int, int, IEnumerable<Tensor>> Pack)> All { get; } =
    [
        ("compressed4", Compressed(4, "\"strategy\": \"group\", \"group_size\": 32, \"symmetric\": false"), (n, m, r, c) => CompressedLayer(n, m, r, c, 4, 32, symmetric: false)),
        ("compressed8", Compressed(8, "\"strategy\": \"channel\", \"symmetric\": true"), (n, m, r, c) => CompressedLayer(n, m, r, c, 8, c, symmetric: true)),
        ("nf4", """{"quant_method": "bitsandbytes", "load_in_4bit": true, "bnb_4bit_quant_type": "nf4"}""", (n, m, r, c) => FourBits(n, m, r, c, "nf4", s_nf4, nested: false)),
        ("fp4", """{"quant_method": "bitsandbytes", "load_in_4bit": true, "bnb_4bit_quant_type": "fp4"}""", (n, m, r, c) => FourBits(n, m, r, c, "fp4", s_fp4, nested: true)),
        ("int8", """{"quant_method": "bitsandbytes", "load_in_8bit": true}""", EightBits),
    ];

    /// <summary>The tensors of a model with the linears of its blocks packed.</summary>
    public static IEnumerable<Tensor> Tensors(Family family, Func<Noise, string, int, int, IEnumerable<Tensor>> pack) => family.Tensors.SelectMany(t =>
        t.Name.Contains(".layers.", StringComparison.Ordinal) && t.Shape.Length == 2 && t.Name[..^".weight".Length] is var module
            ? pack(new Noise("packed " + module), module, t.Shape[0], t.Shape[1])
            : [t]);

    private static string Compressed(int bits, string more) =>
        $$$$$"""{"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"group_0": {"targets": ["Linear"], "weights": {"num_bits": {{{{{bits}}}}}, "type": "int", {{{{{more}}}}}}}}, "ignore": ["lm_head"]}""";

    private static IEnumerable<Tensor> CompressedLayer(Noise noise, string module, int rows, int columns, int bits, int group, bool symmetric)
    {
        var groups = columns / group;
        var size = 0.25f / (1 << (bits - 1));
        yield return new(module + ".weight_packed", "I32", [rows, columns * bits / 32], noise.Bytes(rows * columns * bits / 8));
        yield return Tensor.Singles(module + ".weight_scale", noise.Normals(rows * groups, size / 8, size), rows, groups).As("F16");
        yield return new(module + ".weight_shape", "I64", [2], MemoryMarshal.AsBytes<long>([rows, columns]).ToArray());
        if (!symmetric)
            yield return new(module + ".weight_zero_point", "I32", [rows * bits / 32, groups], noise.Bytes(rows * groups * bits / 8));
    }

    private static IEnumerable<Tensor> FourBits(Noise noise, string module, int rows, int columns, string kind, float[] levels, bool nested)
    {
        const int Block = 32;
        var (name, blocks) = (module + ".weight", rows * columns / Block);
        yield return new(name, "U8", [rows * columns / 2, 1], noise.Bytes(rows * columns / 2));
        yield return Tensor.Singles(name + ".quant_map", levels, 16);
        var state = new JsonObject { ["quant_type"] = kind, ["blocksize"] = Block, ["dtype"] = "float32", ["shape"] = new JsonArray(rows, columns) };
        if (nested)
        {
            (state["nested_blocksize"], state["nested_dtype"], state["nested_offset"]) = (256, "float32", 0.15);
            yield return new(name + ".absmax", "U8", [blocks], noise.Bytes(blocks));
            yield return Tensor.Singles(name + ".nested_absmax", noise.Normals((blocks + 255) / 256, 0.01f, 0.05f), (blocks + 255) / 256);
            yield return Tensor.Singles(name + ".nested_quant_map", [.. Enumerable.Range(0, 256).Select(i => (i - 127) / 128f)], 256);
        }
        else
            yield return Tensor.Singles(name + ".absmax", noise.Normals(blocks, 0.02f, 0.15f), blocks);
        var text = Encoding.UTF8.GetBytes(state.ToJsonString());
        yield return new($"{name}.quant_state.bitsandbytes__{kind}", "U8", [text.Length], text);
    }

    private static IEnumerable<Tensor> EightBits(Noise noise, string module, int rows, int columns)
    {
        yield return new(module + ".weight", "I8", [rows, columns], noise.Bytes(rows * columns));
        yield return Tensor.Singles(module + ".SCB", noise.Normals(rows, 0.02f, 0.15f), rows);
        yield return new(module + ".weight_format", "U8", [], [0]);
    }
}
