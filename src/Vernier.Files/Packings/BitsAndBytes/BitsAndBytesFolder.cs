using System.Text.Json;
using Vernier.Files.HuggingFace;
using Vernier.Kernels;

namespace Vernier.Files.Packings.BitsAndBytes;

/// <summary>A folder of bitsandbytes weights, as transformers saves them: all of 4 bits (nf4, fp4) or all of 8 (LLM.int8).</summary>
internal sealed class BitsAndBytesFolder : IQuantizedFolder
{
    public const string Name = "bitsandbytes";

    private readonly HfFolder _folder;
    private readonly bool _eight;

    public BitsAndBytesFolder(HfFolder folder, JsonElement settings, string path)
    {
        _folder = folder;
        _eight = QuantizedTensors.Flag(settings, path, "load_in_8bit");
        Modules = _eight
            ? QuantizedTensors.ModulesWith(folder, Int8Layer.ScaleSuffix)
            : QuantizedTensors.ModulesWith(folder, ".weight.quant_state.bitsandbytes__nf4", ".weight.quant_state.bitsandbytes__fp4");
    }

    public string Method => Name;

    public IReadOnlyList<string> Modules { get; }

    public PackedLayout Describe(string module)
    {
        if (!_eight)
            return BitsAndBytesLayer.Describe(_folder, module);
        var (rows, columns) = QuantizedTensors.Matrix(_folder, module + ".weight");
        return new PackedLayout(rows, columns, Int8Layer.Bits, columns);
    }

    public IReadOnlyList<string> Parts(string module) => _eight
        ? [module + ".weight", module + Int8Layer.ScaleSuffix, module + ".weight_format"]
        : [module + ".weight", .. _folder.Tensors.Where(t => t.Name.StartsWith(module + ".weight.", StringComparison.Ordinal)).Select(t => t.Name)];

    public PackedMatrix Read(string module) => Layer(module).ToPacked(_folder, module + (_eight ? Int8Layer.ScaleSuffix : ".weight.absmax"));

    public int[]? ZeroPoints(string module) => null;

    public Action<int, Span<byte>> Codes(string module) => Layer(module).RowCodes();

    private QuantizedLayer Layer(string module) => _eight ? Int8Layer.Read(_folder, module) : BitsAndBytesLayer.Read(_folder, module).ByRows(_folder.Get(module + ".weight"));
}
