namespace Vernier.Models;

/// <summary>Feed-forward parts that are several experts, of which a router chooses a few for every token (mixture of experts).
/// A token's result is the sum of its experts' results times their weights: the softmax over all experts, of which the largest are taken.</summary>
internal sealed record ExpertsConfig
{
    /// <summary>Experts of a layer.</summary>
    public required int Count { get; init; }

    /// <summary>Experts that a token is computed by.</summary>
    public required int PerToken { get; init; }

    /// <summary>Channels inside an expert.</summary>
    public required int Size { get; init; }

    /// <summary>The weights of a token's experts are divided by their sum (Mixtral, Qwen 3 MoE).</summary>
    public bool NormalizesWeights { get; init; }

    /// <summary>Channels inside the expert that every token is computed by, times the sigmoid of a gate of its own (Qwen 2 MoE); 0 = there is none.</summary>
    public int SharedSize { get; init; }

    /// <summary>Layers whose feed-forward part is a plain one, of <see cref="ModelConfig.FeedForwardSize"/>.</summary>
    public IReadOnlyList<int> DenseLayers { get; init; } = [];
}
