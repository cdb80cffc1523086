using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Vernier.Files.Packings;
using Vernier.Files.Packings.Gptq;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Kernels;

namespace Vernier.Export;

/// <summary>GPTQ as AutoGPTQ and GPTQModel read it: 2, 3, 4 or 8 bits, any groups, whole zero points.</summary>
/// <param name="checkpointFormat">gptq, gptq_v2, or null for what suits the zero points.</param>
internal sealed class GptqTarget(string? checkpointFormat = null) : PackedTarget("gptq", framework: "pt", packsEmbeddings: false)
{
    private const string First = "gptq";
    private const string Second = "gptq_v2";

    private protected override QuantizedLayer Unpack(PackedMatrix matrix, Func<int[]?> statedZeros)
    {
        return UnpackedLayer.WithZeroPoints(matrix, matrix.Bits switch { <= 4 => matrix.Bits, _ => 8 }, statedZeros);
    }

    /// <summary>The second format, with zero points as they are, unless all are the middle one: readers refuse first-format files with others that they did not write, and
    /// take a zero point of 0, stored as -1, for 2^bits.</summary>
    public override JsonObject Settings(IReadOnlyList<PackedModule> packed, IReadOnlyList<string> plain)
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
            ["pack_dtype"] = "int32",
            ["meta"] = new JsonObject { ["quantizer"] = new JsonArray($"vernier:{Adapters.AdapterConfig.ToolVersion}") },
        };
        State(settings, checkpointFormat ?? (packed.All(m => m.Symmetric) ? First : Second), packed);
        if (dynamic.Count > 0)
            settings["dynamic"] = dynamic;
        return settings;
    }

    public override JsonObject Adapt(JsonObject settings, IReadOnlyList<PackedModule> packed)
    {
        if (checkpointFormat is not null && checkpointFormat != FormatOf(settings))
            State(settings, checkpointFormat, packed);
        return settings;
    }

    private static void State(JsonObject settings, string format, IReadOnlyList<PackedModule> packed)
    {
        if (format is not (First or Second))
            throw new ArgumentException($"unknown checkpoint format '{format}'; known: {First}, {Second}", nameof(format));
        if (format == First && packed.FirstOrDefault(m => m.ZeroAtZero) is { } module)
            throw new NotSupportedException($"'{module.Name}' has a zero point of 0, which the checkpoint format {First} stores as -1 and readers take for others: {Second} holds it");
        settings["checkpoint_format"] = format;
        settings["format"] = format; // what newer readers look for
    }

    private static string FormatOf(JsonObject settings) => (settings["checkpoint_format"] ?? settings["format"])?.ToString() ?? First;

    public override IReadOnlyList<SafetensorsPlan> Plan(PackedModule module, ElementType scaleType) =>
        GptqLayer.Plan(module.Name, module.Rows, module.Columns, new GptqConfig(module.Bits, module.GroupSize), scaleType);

    public override IReadOnlyList<byte[]> Pack(QuantizedLayer layer, JsonObject settings, ElementType scaleType)
    {
        return GptqLayer.Pack(layer, new GptqConfig(layer.Bits, layer.GroupSize, StoresZeroMinusOne: FormatOf(settings) != Second), scaleType);
    }
}
