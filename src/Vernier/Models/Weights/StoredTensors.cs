using System.Globalization;

namespace Vernier.Models;

/// <summary>Where the decoder's tensors lie in the files of a model: under which name, and in which rows where several linears are stored as one tensor.
/// Codes of a packed tensor are split by rows and put together again so: each row's bytes stay what they are.</summary>
internal sealed class StoredTensors
{
    private readonly Dictionary<string, StoredPart> _parts = new(StringComparer.Ordinal); // by the decoder's module
    private readonly Dictionary<string, List<StoredPart>> _stored = new(StringComparer.Ordinal); // by the stored module
    private readonly Func<string, StoredPart?> _alone;
    private readonly Func<string, string?> _nameOf;

    private StoredTensors(ModelConfig config, bool gguf)
    {
        var names = ParameterNames.Of(config.Architecture);
        var ggufNames = gguf ? GgufNames.Of(config.Architecture) : null;
        _nameOf = ggufNames is null ? name => name : ggufNames.ToHuggingFace;
        var transposed = gguf ? [] : TransposedModules(config, names);
        _alone = name => ggufNames is null ? new StoredPart(name, name, 0, 0, default, IsTransposed: transposed.Contains(name))
            : ggufNames.ToGguf(name) is { } stored ? new StoredPart(name, stored, 0, 0, GgufNames.RowOrder(name, config.Architecture, config.HeadDim), name.EndsWith("norm.weight", StringComparison.Ordinal) ? config.NormOffset : 0)
            : null;
        for (var layer = 0; layer < config.Layers; layer++)
        {
            var prefix = string.Format(CultureInfo.InvariantCulture, names.Block, layer);
            if (gguf && config.HasExperts(layer))
                AddExperts(config.Experts!, config.HiddenSize, names, prefix, $"blk.{layer}.");
            foreach (var module in names.Fused)
            {
                var rows = Rows(module, config, names, gguf).ToList();
                var stored = gguf ? $"blk.{layer}.{module.Gguf}" : prefix + module.Name;
                Add(stored, rows.Select(r => new StoredPart(prefix + r.Part, stored, r.Rows, rows.Sum(p => p.Rows), r.Order)
                {
                    IsTransposed = transposed.Contains(stored + ".weight"),
                }));
            }
        }
    }

    /// <summary>As Hugging Face folders have them.</summary>
    public static StoredTensors OfFolder(ModelConfig config) => new(config, false);

    /// <summary>As GGUF files have them.</summary>
    public static StoredTensors OfGguf(ModelConfig config) => new(config, true);

    /// <summary>Where a tensor of the decoder lies; null where the files have no name for it.</summary>
    /// <param name="name">With .weight or .bias.</param>
    public StoredPart? Find(string name)
    {
        var (module, kind) = Split(name);
        return _parts.TryGetValue(module, out var part) ? part with { Name = name, Stored = part.Stored + kind } : _alone(name);
    }

    /// <summary>Where a linear's weight lies; itself where it is stored alone.</summary>
    public string ModuleOf(string module) => _parts.TryGetValue(module, out var part) ? part.Stored : module;

    /// <summary>The tensors of the decoder in a stored one, in the order of their rows; none where the decoder has no such tensor.</summary>
    public IReadOnlyList<StoredPart> Parts(string stored)
    {
        var (module, kind) = Split(stored);
        if (_stored.TryGetValue(module, out var parts))
            return [.. parts.Select(p => p with { Name = p.Name + kind, Stored = stored })];
        return _nameOf(stored) is { } name && _alone(name) is { } alone ? [alone with { Stored = stored }] : [];
    }

    private static HashSet<string> TransposedModules(ModelConfig config, ParameterNames names) =>
        [.. Enumerable.Range(0, config.Layers).SelectMany(layer => names.Transposed.Select(module => string.Format(CultureInfo.InvariantCulture, names.Block, layer) + module + ".weight"))];

    private void Add(string stored, IEnumerable<StoredPart> parts)
    {
        _stored[stored] = [.. parts];
        foreach (var part in _stored[stored])
            _parts[part.Name] = part;
    }

    // GGUF has a layer of all experts as one tensor, expert by expert.
    private void AddExperts(ExpertsConfig experts, int hidden, ParameterNames names, string prefix, string ggufPrefix)
    {
        foreach (var (layer, gguf, rows) in (ReadOnlySpan<(string, string, int)>)
            [(names.ExpertGate, "ffn_gate_exps", experts.Size), (names.ExpertUp, "ffn_up_exps", experts.Size), (names.ExpertDown, "ffn_down_exps", hidden)])
            Add(ggufPrefix + gguf, Enumerable.Range(0, experts.Count).Select(e => new StoredPart(
                prefix + string.Format(CultureInfo.InvariantCulture, names.Expert, e) + layer, ggufPrefix + gguf, rows, rows * experts.Count, new RotaryRowOrder(0, e * rows), Stack: experts.Count)));
    }

    /// <summary>The linears of a stored tensor with their rows.</summary>
    private static IEnumerable<(string Part, int Rows, RotaryRowOrder Order)> Rows(FusedModule module, ModelConfig config, ParameterNames names, bool gguf)
    {
        var start = 0;
        var group = config.Heads / config.KvHeads;
        foreach (var part in module.Parts)
        {
            var rows = part == names.Query ? config.Heads * config.HeadDim
                : part == names.Key || part == names.Value ? config.KvHeads * config.HeadDim
                : config.FeedForwardSize;
            var run = gguf || !module.InKeyGroups ? rows : rows / config.KvHeads;
            yield return (part, rows, new RotaryRowOrder(0, start, run, run == rows ? rows : (group + 2) * config.HeadDim));
            start += run;
        }
    }

    private static (string Module, string Kind) Split(string name)
    {
        var end = name.LastIndexOf('.');
        return end < 0 || name.AsSpan(end) is not (".weight" or ".bias") ? (name, "") : (name[..end], name[end..]);
    }
}
