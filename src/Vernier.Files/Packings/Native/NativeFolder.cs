using System.Text.Json;
using Vernier.Files.HuggingFace;
using Vernier.Kernels;

namespace Vernier.Files.Packings.Native;

/// <summary>A native folder.</summary>
internal sealed class NativeFolder(HfFolder folder, JsonElement settings) : IQuantizedFolder
{
    private readonly IReadOnlyDictionary<string, PackedLayout> _layouts = NativeConfig.Read(settings, folder.ConfigPath);

    public string Method => NativeConfig.Method;

    public IReadOnlyList<string> Modules => [.. _layouts.Keys];

    public PackedLayout Describe(string module) => _layouts[module];

    public IReadOnlyList<string> Parts(string module) => [.. NativeLayer.Plan(module, _layouts[module]).Select(p => p.Name)];

    public PackedMatrix Read(string module) => NativeLayer.Read(folder, module, _layouts[module]);

    public int[]? ZeroPoints(string module) => null;

    public Action<int, Span<byte>> Codes(string module) => NativeLayer.Codes(folder, module, _layouts[module]);
}
