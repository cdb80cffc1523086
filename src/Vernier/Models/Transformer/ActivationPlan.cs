using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>How much activation memory a training pass takes, and how many blocks can keep their activations instead of recomputing them.</summary>
/// <param name="KeptBlocks">Value for <see cref="Decoder.KeptBlocks"/>.</param>
/// <param name="Bytes">Activation memory of a pass under this plan.</param>
internal sealed record ActivationPlan(int KeptBlocks, long Bytes)
{
    /// <summary>Keeps as many blocks as fit into <paramref name="memory"/>; none when not even full recomputation fits.</summary>
    /// <param name="tokens">Tokens of one micro-batch.</param>
    /// <param name="memory">Bytes that activations may take.</param>
    public static ActivationPlan For(ModelConfig config, int tokens, long memory)
    {
        var (least, block) = (LeastBytes(config, tokens), BlockBytes(config, tokens));
        var kept = (int)Math.Clamp((memory - least) / block, 0, Math.Max(0, config.Layers - 1));
        return new ActivationPlan(kept, least + kept * block);
    }

    /// <summary>Bytes of one block's kept activations at most: with the outputs of the attention and the feed-forward part, which only some methods need.</summary>
    public static long BlockBytes(ModelConfig config, int tokens)
    {
        long query = config.Heads * config.HeadDim, key = config.KvHeads * config.HeadDim;
        var projections = (config.QkNorm ? 3 : 2) * query + (config.QkNorm ? 3 : 2) * key;
        var feedForward = (config.Activation is ActivationKind.SwiGlu or ActivationKind.GeGluTanh ? 2L : 1L) * Width(config) + ExpertRows(config);
        return sizeof(float) * (long)tokens * (projections + feedForward + config.Heads + (3L + (config.PostNorm ? 1 : 0) + (config.OutputNorms ? 2 : 0)) * config.HiddenSize);
    }

    /// <summary>Bytes when every block but the last is recomputed: the residual stream before every block, one block's activations, scratch and one chunk of logits.</summary>
    public static long LeastBytes(ModelConfig config, int tokens)
    {
        long query = config.Heads * config.HeadDim, key = config.KvHeads * config.HeadDim;
        var stream = (config.Layers + 1L) * config.HiddenSize;
        var scratch = 6L * config.HiddenSize + (config.Experts is { } experts ? 3L * experts.PerToken * config.HiddenSize + experts.Count : 0); // what experts read, and both gradients
        var chunk = (long)CrossEntropy.ChunkFor(config.VocabularySize);
        var wide = Math.Max(chunk * config.VocabularySize, tokens * Math.Max(2 * query + 2 * key, 2L * Width(config))); // they take turns
        return sizeof(float) * (tokens * (stream + scratch) + wide + 2 * chunk * config.HiddenSize) + BlockBytes(config, tokens);
    }

    /// <summary>Channels inside the feed-forward part that a token takes, in the layer where they are most.</summary>
    private static long Width(ModelConfig config) => config.Experts is not { } experts ? config.FeedForwardSize
        : Math.Max((long)experts.PerToken * experts.Size + experts.SharedSize, experts.DenseLayers.Count > 0 ? config.FeedForwardSize : 0);

    /// <summary>Numbers of a token that experts keep beside their gates and ups: their outputs, and the router's logits.</summary>
    private static long ExpertRows(ModelConfig config) => config.Experts is not { } experts ? 0
        : (experts.PerToken + (experts.SharedSize > 0 ? 1L : 0)) * config.HiddenSize + experts.Count;
}
