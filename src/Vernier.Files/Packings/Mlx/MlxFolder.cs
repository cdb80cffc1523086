using System.Text.Json;
using Vernier.Files.HuggingFace;
using Vernier.Kernels;

namespace Vernier.Files.Packings.Mlx;

/// <summary>A folder of MLX's affine layers, as mlx-lm writes them. Embeddings are packed too.</summary>
internal sealed class MlxFolder : IQuantizedFolder
{
    public const string Name = "mlx";

    private readonly HfFolder _folder;
    private readonly (int Bits, int GroupSize) _all;
    private readonly Dictionary<string, (int Bits, int GroupSize)> _exceptions = new(StringComparer.Ordinal);

    /// <param name="settings">Beside bits and group_size, modules with other ones by name.</param>
    public MlxFolder(HfFolder folder, JsonElement settings, string path)
    {
        _folder = folder;
        if (settings.TryGetProperty("mode", out var mode) && mode.ToString() is var name and not "affine")
            throw new NotSupportedException($"{path}: quantization setting 'mode': found '{name}', only affine is read");
        _all = MlxLayer.ReadSettings(settings, path);
        foreach (var entry in settings.EnumerateObject())
            if (entry.Value.ValueKind == JsonValueKind.Object)
                _exceptions[entry.Name] = MlxLayer.ReadSettings(entry.Value, path);
        Modules = QuantizedTensors.ModulesWith(folder, ".scales", ".biases");
    }

    public string Method => Name;

    public IReadOnlyList<string> Modules { get; }

    public PackedLayout Describe(string module)
    {
        var (bits, group) = SettingsOf(module);
        var (rows, words) = QuantizedTensors.Matrix(_folder, module + ".weight");
        var columns = checked((int)(words * 32L / bits));
        return new PackedLayout(rows, columns, bits, QuantizedTensors.GroupColumns(group, columns));
    }

    public IReadOnlyList<string> Parts(string module) => [module + ".weight", module + ".scales", module + ".biases"];

    public PackedMatrix Read(string module) => Layer(module).ToPacked(_folder, module + ".scales");

    public int[]? ZeroPoints(string module) => null;

    public Action<int, Span<byte>> Codes(string module) => Layer(module).RowCodes();

    private QuantizedLayer Layer(string module)
    {
        var (bits, group) = SettingsOf(module);
        return MlxLayer.Read(_folder, module, bits, group);
    }

    private (int Bits, int GroupSize) SettingsOf(string module) => _exceptions.GetValueOrDefault(module, _all);
}
