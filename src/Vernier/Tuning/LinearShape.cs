using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>Name and size of one linear of a block.</summary>
/// <param name="Name">Module path below the block, in LLaMA's words.</param>
public sealed record LinearShape(string Name, int In, int Out)
{
    public long Weights => (long)In * Out;

    /// <summary>The linears of one block; all blocks are alike.</summary>
    public static IReadOnlyList<LinearShape> OfBlock(ModelConfig config)
    {
        var (hidden, query, key) = (config.HiddenSize, config.Heads * config.HeadDim, config.KvHeads * config.HeadDim);
        var shapes = new List<LinearShape>
        {
            new("self_attn.q_proj", hidden, query),
            new("self_attn.k_proj", hidden, key),
            new("self_attn.v_proj", hidden, key),
            new("self_attn.o_proj", query, hidden),
        };
        if (config.Activation is ActivationKind.SwiGlu or ActivationKind.GeGluTanh)
            shapes.Add(new("mlp.gate_proj", hidden, config.FeedForwardSize));
        shapes.Add(new("mlp.up_proj", hidden, config.FeedForwardSize));
        shapes.Add(new("mlp.down_proj", config.FeedForwardSize, hidden));
        return shapes;
    }
}
