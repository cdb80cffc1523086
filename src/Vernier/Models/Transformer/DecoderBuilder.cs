using System.Globalization;

namespace Vernier.Models;

/// <summary>Makes the parts of a decoder from named weights.</summary>
internal static class DecoderBuilder
{
    public static DecoderBlock Block(ModelConfig config, ParameterNames names, int layer, Rotary? rope, IWeightSource weights)
    {
        var prefix = string.Format(CultureInfo.InvariantCulture, names.Block, layer);
        var hidden = config.HiddenSize;
        var (queryWidth, keyWidth) = (config.Heads * config.HeadDim, config.KvHeads * config.HeadDim);
        var attention = new SelfAttention(config, layer, rope,
            Linear(names.Query, queryWidth, hidden, config.AttentionInputBias),
            Linear(names.Key, keyWidth, hidden, config.AttentionInputBias),
            Linear(names.Value, keyWidth, hidden, config.AttentionInputBias),
            Linear(names.Output, hidden, queryWidth, config.AttentionOutputBias),
            config.QkNorm ? Norm(config, prefix + names.QueryNorm, config.WideQkNorm ? queryWidth : config.HeadDim, weights) : null,
            config.QkNorm ? Norm(config, prefix + names.KeyNorm, config.WideQkNorm ? keyWidth : config.HeadDim, weights) : null);
        var feedForward = config.HasExperts(layer)
            ? Experts(config, config.Experts!, names, prefix, weights)
            : (FeedForward)FeedForward(config, prefix, (names.Gate, names.Up, names.Down), config.FeedForwardSize, config.FeedForwardBias, weights);
        return new DecoderBlock(config, attention, feedForward,
            HiddenNorm(names.AttentionNorm, config.InputNorms),
            HiddenNorm(names.FeedForwardNorm, config.InputNorms && (!config.ParallelBlock || config.ParallelNorms)),
            HiddenNorm(names.AttentionOutputNorm, config.OutputNorms),
            HiddenNorm(names.FeedForwardOutputNorm, config.OutputNorms));

        Norm? HiddenNorm(string name, bool exists) => exists ? Norm(config, prefix + name, hidden, weights) : null;

        FrozenLinear Linear(string name, int rows, int columns, bool bias) => DecoderBuilder.Linear(prefix + name, rows, columns, bias, weights);
    }

    private static Experts Experts(ModelConfig config, ExpertsConfig experts, ParameterNames names, string prefix, IWeightSource weights)
    {
        var router = Matrix(prefix + names.Router, experts.Count);
        var all = new DenseFeedForward[experts.Count];
        for (var e = 0; e < all.Length; e++)
            all[e] = FeedForward(config, prefix, names.OfExpert(string.Format(CultureInfo.InvariantCulture, names.Expert, e)), experts.Size, bias: false, weights);
        var shared = experts.SharedSize == 0 ? null : new SharedExpert(
            FeedForward(config, prefix, names.OfExpert(names.SharedExpert), experts.SharedSize, bias: false, weights), Matrix(prefix + names.SharedExpertGate, 1));
        return new Experts(experts, router, all, shared);

        NamedMatrix Matrix(string name, int rows) => new(name, weights.Matrix(name + ".weight", rows, config.HiddenSize));
    }

    private static DenseFeedForward FeedForward(ModelConfig config, string prefix, (string Gate, string Up, string Down) names, int width, bool bias, IWeightSource weights)
    {
        var gated = config.Activation is ActivationKind.SwiGlu or ActivationKind.GeGluTanh;
        return new DenseFeedForward(config.Activation,
            gated ? Linear(prefix + names.Gate, width, config.HiddenSize, bias, weights) : null,
            Linear(prefix + names.Up, width, config.HiddenSize, bias, weights),
            Linear(prefix + names.Down, config.HiddenSize, width, bias, weights));
    }

    private static FrozenLinear Linear(string name, int rows, int columns, bool bias, IWeightSource weights) =>
        new(name, weights.Matrix(name + ".weight", rows, columns), bias ? Vector(name + ".bias", rows, weights) : null);

    public static Norm Norm(ModelConfig config, string name, int width, IWeightSource weights) =>
        new(config.Norm, config.NormEpsilon, Vector(name + ".weight", width, weights), config.Norm == NormKind.LayerNorm ? Vector(name + ".bias", width, weights) : null, config.NormOffset);

    public static Parameter Vector(string name, int length, IWeightSource weights)
    {
        var vector = new Parameter(name, length);
        weights.Vector(name, vector.Value.Span);
        return vector;
    }
}
