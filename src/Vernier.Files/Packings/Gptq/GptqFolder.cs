using System.Text.Json;
using System.Text.RegularExpressions;
using Vernier.Files.HuggingFace;
using Vernier.Kernels;

namespace Vernier.Files.Packings.Gptq;

/// <summary>A folder of GPTQ layers, as AutoGPTQ and GPTQModel write them.</summary>
internal sealed class GptqFolder : IQuantizedFolder
{
    public const string Name = "gptq";

    private readonly HfFolder _folder;
    private readonly GptqConfig _config;
    private readonly List<(Regex Pattern, GptqConfig Config)> _exceptions = [];

    /// <param name="settings">Its <c>dynamic</c> (GPTQModel) maps patterns of module names to other bits and groups; patterns that begin with "-:" name
    /// modules that are not packed, which the tensors say too.</param>
    public GptqFolder(HfFolder folder, JsonElement settings, string path)
    {
        _folder = folder;
        _config = GptqConfig.Read(settings, path);
        if (settings.TryGetProperty("dynamic", out var dynamic) && dynamic.ValueKind == JsonValueKind.Object)
            foreach (var entry in dynamic.EnumerateObject())
                if (!entry.Name.StartsWith("-:", StringComparison.Ordinal))
                    _exceptions.Add((Pattern(entry.Name, path), _config.With(entry.Value, path)));
        Modules = QuantizedTensors.ModulesWith(folder, ".qweight", ".scales");
    }

    public string Method => Name;

    public IReadOnlyList<string> Modules { get; }

    public PackedLayout Describe(string module)
    {
        var config = ConfigOf(module);
        var (words, rows) = QuantizedTensors.Matrix(_folder, module + ".qweight");
        var columns = checked((int)(words * 32L / config.Bits));
        return new PackedLayout(rows, columns, config.Bits, QuantizedTensors.GroupColumns(config.GroupSize, columns), ActivationOrder: config.ActivationOrder);
    }

    public IReadOnlyList<string> Parts(string module) => [module + ".qweight", module + ".qzeros", module + ".scales", module + ".g_idx"];

    public PackedMatrix Read(string module) => Layer(module).ToPacked(_folder, module + ".scales");

    public int[]? ZeroPoints(string module) => Layer(module).ZeroPoints;

    public Action<int, Span<byte>> Codes(string module) => Layer(module).RowCodes();

    private QuantizedLayer Layer(string module) => GptqLayer.Read(_folder, module, ConfigOf(module));

    /// <summary>The settings of one module.</summary>
    public GptqConfig ConfigOf(string module)
    {
        foreach (var (pattern, config) in _exceptions)
            if (pattern.Match(module) is { Success: true, Index: 0 })
                return config;
        return _config;
    }

    private static Regex Pattern(string text, string path)
    {
        try
        {
            // The file is untrusted: no backtracking. Anchored at the start, as Python's re.match is.
            return new Regex($"^(?:{(text.StartsWith("+:", StringComparison.Ordinal) ? text[2..] : text)})", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new NotSupportedException($"{path}: quantization setting 'dynamic': the pattern '{text}' is not read here: {e.Message}", e);
        }
    }
}
