using System.Text.Json.Nodes;
using Vernier.Files.Packings;
using Vernier.Files.Packings.Mlx;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Kernels;

namespace Vernier.Export;

/// <summary>MLX's affine quantization as mlx-lm reads it: 2, 3, 4, 5, 6 or 8 bits, groups of 32, 64 or 128, a scale and a bias for each.</summary>
internal sealed class MlxTarget() : PackedTarget("mlx", framework: "mlx", packsEmbeddings: true)
{
    private protected override QuantizedLayer Unpack(PackedMatrix matrix, Func<int[]?> statedZeros)
    {
        RequireGroupsInOrder(matrix);
        foreach (var group in (ReadOnlySpan<int>)[128, 64, 32])
            if (matrix.GroupSize % group == 0 && matrix.Columns % group == 0)
                return UnpackedLayer.WithOffsets(matrix, matrix.Bits == 7 ? 8 : matrix.Bits, group);
        throw new NotSupportedException($"MLX has groups of 32, 64 or 128 columns, which groups of {matrix.GroupSize} in rows of {matrix.Columns} are not made of: gptq (whole zero points) and native hold it");
    }

    public override JsonObject Settings(IReadOnlyList<PackedModule> packed, IReadOnlyList<string> plain)
    {
        var (bits, group) = packed.GroupBy(m => (m.Bits, m.GroupSize)).MaxBy(g => g.Sum(m => (long)m.Rows * m.Columns))!.Key;
        var settings = new JsonObject { ["group_size"] = group, ["bits"] = bits };
        foreach (var module in packed.Where(m => m.Bits != bits || m.GroupSize != group))
            settings[module.Name] = new JsonObject { ["group_size"] = module.GroupSize, ["bits"] = module.Bits };
        return settings;
    }

    public override IReadOnlyList<SafetensorsPlan> Plan(PackedModule module, ElementType scaleType) =>
        MlxLayer.Plan(module.Name, module.Rows, module.Columns, module.Bits, module.GroupSize, scaleType);

    public override IReadOnlyList<byte[]> Pack(QuantizedLayer layer, JsonObject settings, ElementType scaleType) => MlxLayer.Pack(layer, scaleType);
}
