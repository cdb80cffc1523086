using Vernier.Files.Gguf;

namespace Vernier.Calibration;

/// <summary>What a mixture must know of a model to say which tensor gets which format.</summary>
internal sealed class MixtureModel
{
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);

    /// <param name="tensors">The names of all tensors.</param>
    public MixtureModel(GgufMetadata metadata, IReadOnlyCollection<string> tensors, bool hasImportance)
    {
        Architecture = metadata["general.architecture"].AsString();
        Layers = (int)(Size(metadata, "block_count") ?? 0);
        Experts = (int)(Size(metadata, "expert_count") ?? 0);
        var heads = Size(metadata, "attention.head_count") ?? 0;
        var keyHeads = Size(metadata, "attention.head_count_kv") ?? heads;
        QueriesPerKey = keyHeads > 0 ? (int)(heads / keyHeads) : 0;
        SharesValues = Layers == 80 && (Architecture == "llama" && heads != keyHeads || Architecture == "qwen2" && Size(metadata, "embedding_length") == 8192);
        HasOutput = tensors.Contains("output.weight");
        HasImportance = hasImportance;
        ValueTensors = Number(tensors.Where(HasValues));
        Number(tensors.Where(t => t.Contains("ffn_down", StringComparison.Ordinal)));
    }

    /// <summary>Values, alone or with what lies beside them in one matrix.</summary>
    public static bool HasValues(string tensor) =>
        tensor.Contains("attn_v.weight", StringComparison.Ordinal) || tensor.Contains("attn_qkv.weight", StringComparison.Ordinal) || tensor.Contains("attn_kv_b.weight", StringComparison.Ordinal);

    public string Architecture { get; }

    public int Layers { get; }

    /// <summary>0 = none.</summary>
    public int Experts { get; }

    /// <summary>Query heads that share a key head.</summary>
    public int QueriesPerKey { get; }

    /// <summary>The shape of 70 B models, whose eight key heads serve 64: their small value matrices are worth more bits.</summary>
    public bool SharesValues { get; }

    /// <summary>The head is a tensor of its own, else it is the embedding.</summary>
    public bool HasOutput { get; }

    public bool HasImportance { get; }

    /// <summary>Layers with values.</summary>
    public int ValueTensors { get; }

    /// <summary>Which one of its kind a tensor is, by layers; with experts the layer itself.</summary>
    public int PlaceOf(string tensor) => Experts > 1 && !HasValues(tensor) ? LayerOf(tensor) : _places.GetValueOrDefault(tensor);

    /// <summary>Numbers tensors of one kind by layers.</summary>
    private int Number(IEnumerable<string> kind)
    {
        var place = 0;
        foreach (var name in kind.OrderBy(LayerOf).ThenBy(t => t, StringComparer.Ordinal))
            _places[name] = place++;
        return place;
    }

    private static int LayerOf(string tensor) => tensor.Split('.') is ["blk", var layer, ..] && int.TryParse(layer, out var number) ? number : 0;

    /// <summary>A size; of sizes a layer those of the first.</summary>
    private long? Size(GgufMetadata metadata, string key) => !metadata.TryGet($"{Architecture}.{key}", out var value) ? null
        : value.Type == GgufValueType.Array ? value.AsNumbers<long>().FirstOrDefault() : value.AsInteger();
}
