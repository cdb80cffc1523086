using System.Globalization;
using Vernier.Files.Gguf.Blocks;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>Name and size of one linear, and how the model stores it.</summary>
/// <param name="Name">Module path.</param>
/// <param name="Bits">Bits of its stored codes; null = full precision.</param>
/// <param name="Group">Columns that share a stored scale; 0 = per channel.</param>
/// <param name="WeightBytes">Bytes in memory of a weight that is not packed.</param>
public sealed record LinearShape(string Name, int In, int Out, int? Bits = null, int Group = 0, int WeightBytes = 2)
{
    /// <summary>Share of the tokens that it computes, on average: below 1 for experts that a router chooses.</summary>
    public double TokenShare { get; init; } = 1;

    /// <summary>It is the output matrix, or the embedding table of a model that ties both.</summary>
    public bool IsHead { get; init; }

    /// <summary>The GGUF block format that it is stored in; null for other files.</summary>
    public BlockFormat? Block { get; init; }

    /// <summary>Columns whose stored scales can only be changed together, by one factor: those of a K-quant's super-block. 0 = per channel.</summary>
    public int FactorGroup => Block?.BlockSize ?? Group;

    /// <summary>Number of weights.</summary>
    public long Weights => (long)In * Out;

    /// <summary>Groups of the whole linear.</summary>
    /// <param name="group">Columns that share a scale; 0 = per channel.</param>
    public long Scales(int group) => Out * GroupsInRow(group);

    /// <summary>Groups in a row.</summary>
    public long GroupsInRow(int group) => group == 0 ? 1 : (In + group - 1) / group;

    /// <summary>Bytes of packed codes as they lie in memory: rows of whole chunks of 64 codes.</summary>
    public long CodeBytes(int bits) => (long)Out * ((In + 63) / 64) * 8 * bits;

    /// <summary>Bytes in memory as the model is loaded: codes with a scale and an offset for each group, or plain weights.</summary>
    public long LoadedBytes => Bits is { } bits ? CodeBytes(bits) + 8 * Scales(Group) : WeightBytes * Weights;

    /// <summary>As a run stores it: quantized, where the options say so.</summary>
    public LinearShape With(TuneOptions options) => options.Bits is { } bits ? this with { Bits = bits, Group = options.Group, Block = null } : this;

    /// <summary>All linears of the blocks.</summary>
    /// <param name="bits">Bits of stored codes; null = full precision.</param>
    public static IReadOnlyList<LinearShape> Of(ModelConfig config, int? bits = null, int group = 0)
    {
        var names = ParameterNames.Of(config.Architecture);
        var (hidden, query, key) = (config.HiddenSize, config.Heads * config.HeadDim, config.KvHeads * config.HeadDim);
        LinearShape[] attention =
        [
            new(names.Query, hidden, query),
            new(names.Key, hidden, key),
            new(names.Value, hidden, key),
            new(names.Output, query, hidden),
        ];
        return [.. Enumerable.Range(0, config.Layers).SelectMany(layer => attention.Concat(FeedForward(config, names, layer)).Select(l => l with
        {
            Name = string.Format(CultureInfo.InvariantCulture, names.Block, layer) + l.Name,
            Bits = bits,
            Group = group,
        }))];
    }

    private static IEnumerable<LinearShape> FeedForward(ModelConfig config, ParameterNames names, int layer)
    {
        if (!config.HasExperts(layer))
            return Gated(config, (names.Gate, names.Up, names.Down), config.FeedForwardSize);
        var experts = config.Experts!;
        var all = Enumerable.Range(0, experts.Count).SelectMany(e => Gated(config, names.OfExpert(string.Format(CultureInfo.InvariantCulture, names.Expert, e)), experts.Size))
            .Select(l => l with { TokenShare = (double)experts.PerToken / experts.Count });
        return experts.SharedSize == 0 ? all : all.Concat(Gated(config, names.OfExpert(names.SharedExpert), experts.SharedSize));
    }

    private static IEnumerable<LinearShape> Gated(ModelConfig config, (string Gate, string Up, string Down) names, int width)
    {
        if (config.Activation is ActivationKind.SwiGlu or ActivationKind.GeGluTanh)
            yield return new(names.Gate, config.HiddenSize, width);
        yield return new(names.Up, config.HiddenSize, width);
        yield return new(names.Down, width, config.HiddenSize);
    }
}
