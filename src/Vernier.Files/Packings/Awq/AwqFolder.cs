using System.Text.Json;
using Vernier.Files.HuggingFace;
using Vernier.Kernels;

namespace Vernier.Files.Packings.Awq;

/// <summary>A folder of AWQ layers, as AutoAWQ writes them.</summary>
internal sealed class AwqFolder(HfFolder folder, JsonElement settings, string path) : IQuantizedFolder
{
    public const string Name = "awq";

    private readonly AwqConfig _config = AwqConfig.Read(settings, path);

    public string Method => Name;

    public IReadOnlyList<string> Modules { get; } = QuantizedTensors.ModulesWith(folder, ".qweight", ".scales");

    public PackedLayout Describe(string module)
    {
        var (columns, words) = QuantizedTensors.Matrix(folder, module + ".qweight");
        return new PackedLayout(checked(words * AwqLayer.PerWord), columns, AwqLayer.Bits, QuantizedTensors.GroupColumns(_config.GroupSize, columns));
    }

    public IReadOnlyList<string> Parts(string module) => [module + ".qweight", module + ".qzeros", module + ".scales"];

    public PackedMatrix Read(string module) => Layer(module).ToPacked(folder, module + ".scales");

    public int[]? ZeroPoints(string module) => Layer(module).ZeroPoints;

    public Action<int, Span<byte>> Codes(string module) => Layer(module).RowCodes();

    private QuantizedLayer Layer(string module) => AwqLayer.Read(folder, module, _config);
}
