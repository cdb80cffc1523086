using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Vernier.Files;
using Vernier.Files.Gptq;
using Vernier.Files.Safetensors;
using Vernier.Kernels;

namespace Vernier.Export;

/// <summary>GPTQ as AutoGPTQ and GPTQModel read it: 2, 3, 4 or 8 bits, any groups, whole zero points.</summary>
internal sealed class GptqTarget : IPackedTarget
{
    public string Name => "gptq";

    public string Framework => "pt";

    public bool PacksEmbeddings => false;

    public QuantizedLayer Layer(PackedMatrix matrix, Func<int[]?> statedZeros)
    {
        if (!matrix.Codebook.IsEmpty)
            throw new NotSupportedException("its codes stand for the entries of a table: native holds it");
        return UnpackedLayer.WithZeroPoints(matrix, matrix.Bits switch { <= 4 => matrix.Bits, _ => 8 }, statedZeros);
    }

    /// <summary>Version 1, which every reader knows, but for zero points of 0: in version 1 some take them for 2^bits, so those are written as version 2.</summary>
    public JsonObject Settings(IReadOnlyList<PackedModule> packed, IReadOnlyList<string> plain)
    {
        var (bits, group) = PackedModule.Usual(packed);
        var dynamic = new JsonObject();
        foreach (var module in packed.Where(m => m.Bits != bits || !m.HasGroup(group)))
            dynamic[$"+:^{Regex.Escape(module.Name)}$"] = new JsonObject { ["bits"] = module.Bits, ["group_size"] = module.StatedGroup };
        foreach (var module in plain)
            dynamic[$"-:^{Regex.Escape(module)}$"] = new JsonObject();
        var settings = new JsonObject
        {
            ["quant_method"] = Name,
            ["bits"] = bits,
            ["group_size"] = group,
            ["desc_act"] = packed.Any(m => m.ActivationOrder),
            ["sym"] = packed.All(m => m.Symmetric),
            ["lm_head"] = false,
            ["checkpoint_format"] = packed.Any(m => m.ZeroAtZero) ? "gptq_v2" : "gptq",
        };
        if (dynamic.Count > 0)
            settings["dynamic"] = dynamic;
        return settings;
    }

    public IReadOnlyList<SafetensorsPlan> Plan(PackedModule module, ElementType scaleType) =>
        GptqLayer.Plan(module.Name, module.Rows, module.Columns, new GptqConfig(module.Bits, module.GroupSize), scaleType);

    public IReadOnlyList<byte[]> Pack(QuantizedLayer layer, JsonObject settings, ElementType scaleType)
    {
        var format = settings["checkpoint_format"] ?? settings["format"];
        return GptqLayer.Pack(layer, new GptqConfig(layer.Bits, layer.GroupSize, StoresZeroMinusOne: format?.ToString() != "gptq_v2"), scaleType);
    }
}
