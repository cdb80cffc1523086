using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files;
using Vernier.Files.HuggingFace;
using Vernier.Files.Packings;
using Vernier.Files.Tensors;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>The folder that a model came from, where it has the packing that is to be written: what an export in the same format keeps.</summary>
internal sealed class PackedSource : IDisposable
{
    private readonly HfFolder _folder;
    private readonly IQuantizedFolder _packed;
    private readonly HashSet<string> _parts;

    private PackedSource(HfFolder folder, IQuantizedFolder packed)
    {
        (_folder, _packed) = (folder, packed);
        _parts = packed.Modules.SelectMany(packed.Parts).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Null where the model came from elsewhere.</summary>
    public static PackedSource? Open(LoadedModel model, string method)
    {
        if (model.Source.Kind != SourceKind.HuggingFace)
            return null;
        var folder = HfFolder.Open(model.Source.Path);
        if (QuantizedFolder.Find(folder) is { } packed && packed.Method == method)
            return new PackedSource(folder, packed);
        folder.Dispose();
        return null;
    }

    /// <summary>Whether the module's weight is packed there.</summary>
    public bool Holds(string module) => _packed.Modules.Contains(module);

    /// <summary>The zero points that the folder states for a module; null where it has none.</summary>
    public int[]? ZeroPoints(string module) => Holds(module) ? _packed.ZeroPoints(module) : null;

    /// <summary>The type of a tensor of floating-point numbers; null where there is none.</summary>
    public ElementType? TypeOf(string tensor) =>
        HuggingFaceWeights.Spellings(tensor).Select(_folder.Find).FirstOrDefault(t => t is not null)?.Type is { } type and (ElementType.F32 or ElementType.F16 or ElementType.BF16) ? type : null;

    /// <summary>The folder's own settings, where they fit the layers that are to be written; null where the model was quantized anew.</summary>
    public JsonObject? SettingsFor(IReadOnlyCollection<PackedModule> modules)
    {
        if (QuantizedFolder.FindSettings(_folder) is not { } found)
            return null;
        var same = modules.Count == _packed.Modules.Count && modules.All(m => Holds(m.Name) && _packed.Describe(m.Name) is var layout
            && (layout.Rows, layout.Columns, layout.Bits, layout.GroupSize) == (m.Rows, m.Columns, m.Bits, m.GroupSize));
        var settings = JsonNode.Parse(found.Settings.GetRawText())!.AsObject();
        // Readers that are told so take the middle zero point without looking.
        if (!same || settings["sym"]?.GetValueKind() == JsonValueKind.True && modules.Any(m => !m.Symmetric))
            return null;
        if (found.Path != _folder.ConfigPath)
            settings["quant_method"] = found.Method; // in config.json it needs its name
        return settings;
    }

    /// <summary>Tensors that belong to no packed module and that the model has no name for (zero biases, rotary tables): carried over as they are.</summary>
    /// <param name="tiedHead">A head is a copy of the embedding, and not carried over.</param>
    /// <param name="written">Names that are written already; older checkpoints spell them in other ways.</param>
    public IEnumerable<FolderTensor> Others(bool tiedHead, IEnumerable<string> written)
    {
        var known = written.SelectMany(HuggingFaceWeights.Spellings).ToHashSet(StringComparer.Ordinal);
        return _folder.Tensors.Where(t => !_parts.Contains(t.Name) && !known.Contains(t.Name) && !(tiedHead && t.Name == "lm_head.weight")).Select(FolderTensor.Copy);
    }

    public void Dispose() => _folder.Dispose();
}
