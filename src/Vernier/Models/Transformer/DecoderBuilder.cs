using System.Globalization;

namespace Vernier.Models;

/// <summary>Makes the parts of a decoder from named weights.</summary>
internal static class DecoderBuilder
{
    public static DecoderBlock Block(ModelConfig config, ParameterNames names, int layer, Rotary? rope, IWeightSource weights)
    {
        var prefix = string.Format(CultureInfo.InvariantCulture, names.Block, layer);
        var (hidden, wide) = (config.HiddenSize, config.FeedForwardSize);
        var (queryWidth, keyWidth) = (config.Heads * config.HeadDim, config.KvHeads * config.HeadDim);
        var attention = new SelfAttention(config, layer, rope,
            Linear(names.Query, queryWidth, hidden, config.AttentionInputBias),
            Linear(names.Key, keyWidth, hidden, config.AttentionInputBias),
            Linear(names.Value, keyWidth, hidden, config.AttentionInputBias),
            Linear(names.Output, hidden, queryWidth, config.AttentionOutputBias),
            config.QkNorm ? Norm(config, prefix + names.QueryNorm, config.HeadDim, weights) : null,
            config.QkNorm ? Norm(config, prefix + names.KeyNorm, config.HeadDim, weights) : null);
        var gated = config.Activation is ActivationKind.SwiGlu or ActivationKind.GeGluTanh;
        var feedForward = new FeedForward(config,
            gated ? Linear(names.Gate, wide, hidden, config.FeedForwardBias) : null,
            Linear(names.Up, wide, hidden, config.FeedForwardBias),
            Linear(names.Down, hidden, wide, config.FeedForwardBias));
        return new DecoderBlock(config, attention, feedForward,
            Norm(config, prefix + names.AttentionNorm, hidden, weights),
            config.ParallelBlock ? null : Norm(config, prefix + names.FeedForwardNorm, hidden, weights));

        FrozenLinear Linear(string name, int rows, int columns, bool bias) =>
            new(prefix + name, weights.Matrix(prefix + name + ".weight", rows, columns), bias ? Vector(prefix + name + ".bias", rows, weights) : null);
    }

    public static Norm Norm(ModelConfig config, string name, int width, IWeightSource weights) =>
        new(config.Norm, config.NormEpsilon, Vector(name + ".weight", width, weights), config.Norm == NormKind.LayerNorm ? Vector(name + ".bias", width, weights) : null);

    public static Parameter Vector(string name, int length, IWeightSource weights)
    {
        var vector = new Parameter(name, length);
        weights.Vector(name, vector.Value.Span);
        return vector;
    }
}
