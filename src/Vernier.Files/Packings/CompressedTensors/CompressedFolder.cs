using System.Text.Json;
using Vernier.Files.HuggingFace;
using Vernier.Kernels;

namespace Vernier.Files.Packings.CompressedTensors;

/// <summary>A folder of "pack-quantized" layers, as llm-compressor writes them.</summary>
internal sealed class CompressedFolder(HfFolder folder, JsonElement settings, string path) : IQuantizedFolder
{
    public const string Name = "compressed-tensors";

    private readonly CompressedConfig _config = CompressedConfig.Read(settings, path);

    public string Method => Name;

    public IReadOnlyList<string> Modules { get; } = QuantizedTensors.ModulesWith(folder, ".weight_packed", ".weight_scale");

    public PackedLayout Describe(string module)
    {
        var (rows, columns) = CompressedLayer.ReadShape(folder, module);
        return new PackedLayout(rows, columns, _config.Bits, QuantizedTensors.GroupColumns(_config.GroupSize, columns), ActivationOrder: folder.Find(module + ".weight_g_idx") is not null);
    }

    public IReadOnlyList<string> Parts(string module) =>
        [module + ".weight_packed", module + ".weight_scale", module + ".weight_shape", module + ".weight_zero_point", module + ".weight_g_idx"];

    public PackedMatrix Read(string module) => Layer(module).ToPacked(folder, module + ".weight_scale");

    public int[]? ZeroPoints(string module) => Layer(module).ZeroPoints;

    public Action<int, Span<byte>> Codes(string module) => Layer(module).RowCodes();

    private QuantizedLayer Layer(string module) => CompressedLayer.Read(folder, module, _config.Bits, _config.GroupSize);
}
