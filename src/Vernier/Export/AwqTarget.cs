using System.Text.Json.Nodes;
using Vernier.Files.Packings;
using Vernier.Files.Packings.Awq;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Kernels;

namespace Vernier.Export;

/// <summary>AWQ's GEMM version as AutoAWQ reads it: 4 bits, one group size, whole zero points.</summary>
internal sealed class AwqTarget() : PackedTarget("awq", framework: "pt", packsEmbeddings: false)
{
    private const int Bits = 4;

    private protected override QuantizedLayer Unpack(PackedMatrix matrix, Func<int[]?> statedZeros)
    {
        if (matrix.Bits > Bits)
            throw new NotSupportedException($"AWQ has codes of 4 bits, not {matrix.Bits}: gptq (8 bits), mlx and native hold it");
        RequireGroupsInOrder(matrix);
        if (matrix.Columns % matrix.GroupSize != 0)
            throw new NotSupportedException($"its rows of {matrix.Columns} columns are not whole groups of {matrix.GroupSize}: gptq and native hold it");
        return UnpackedLayer.WithZeroPoints(matrix, Bits, statedZeros);
    }

    public override JsonObject Settings(IReadOnlyList<PackedModule> packed, IReadOnlyList<string> plain)
    {
        var (_, group) = PackedModule.Usual(packed);
        if (packed.FirstOrDefault(m => !m.HasGroup(group)) is { } other)
            throw new NotSupportedException($"AWQ has one group size for all layers, and '{other.Name}' has groups of {other.GroupSize} where others have {group}: gptq, mlx and native hold them");
        return new JsonObject
        {
            ["quant_method"] = Name,
            ["bits"] = Bits,
            ["group_size"] = group,
            ["zero_point"] = true,
            ["version"] = "gemm",
            ["modules_to_not_convert"] = plain.Count == 0 ? null : new JsonArray([.. plain.Select(m => (JsonNode)m)]),
        };
    }

    public override IReadOnlyList<SafetensorsPlan> Plan(PackedModule module, ElementType scaleType) =>
        AwqLayer.Plan(module.Name, module.Rows, module.Columns, new AwqConfig(module.GroupSize), scaleType);

    public override IReadOnlyList<byte[]> Pack(QuantizedLayer layer, JsonObject settings, ElementType scaleType) => AwqLayer.Pack(layer, scaleType);
}
