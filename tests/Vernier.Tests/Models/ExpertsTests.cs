using Vernier.Calibration;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Tests.Models;

/// <summary>Experts beside what they are defined as; goldens/families says that the definition is the published one.</summary>
public class ExpertsTests
{
    private static readonly ExpertsConfig s_three = new() { Count = 6, PerToken = 3, Size = 4 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Places_lie_expert_by_expert(bool normalizes)
    {
        var logits = Logits(11, 6);
        var probabilities = logits.ToArray();
        var routing = new ExpertRouting(s_three with { NormalizesWeights = normalizes });
        routing.Choose(probabilities);
        Assert.Equal(33, routing.Tokens.Length);
        Assert.Equal(Enumerable.Range(0, 33), routing.Places.ToArray().Order());
        for (var token = 0; token < 11; token++)
        {
            var own = logits.AsSpan(token * 6, 6).ToArray();
            var sum = own.Sum(l => Math.Exp(l));
            var chosen = Enumerable.Range(0, 6).OrderByDescending(e => own[e]).Take(3).Order().ToArray();
            var share = normalizes ? chosen.Sum(e => Math.Exp(own[e])) : sum;
            for (var i = 0; i < 3; i++)
            {
                var place = routing.Places[token * 3 + i];
                Assert.Equal(token, routing.Tokens[place]);
                Assert.InRange(place, routing.Starts[chosen[i]], routing.Starts[chosen[i] + 1] - 1);
                Assert.Equal(Math.Exp(own[chosen[i]]) / share, routing.Weights[place], 1e-6);
            }
        }
    }

    [Fact]
    public void Of_equal_experts_the_first_are_chosen_and_numbers_that_are_none_stay_in_bounds()
    {
        var routing = new ExpertRouting(s_three);
        routing.Choose([0, 1, 1, 1, 1, 0, float.NaN, float.NaN, float.NaN, float.NaN, float.NaN, float.NaN]);
        Assert.Equal([1, 2, 3], routing.Places[..3].ToArray().Select(ExpertOf));
        Assert.All(routing.Places[3..].ToArray(), place => Assert.InRange(ExpertOf(place), 0, 5));

        int ExpertOf(int place) => Enumerable.Range(0, 6).First(e => place < routing.Starts[e + 1]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_gradient_of_the_weights_goes_back_to_the_logits(bool normalizes)
    {
        var config = s_three with { NormalizesWeights = normalizes };
        var (logits, slopes) = (Logits(5, 6), Logits(5, 3).Select(v => v + 2).ToArray());
        var routing = new ExpertRouting(config);
        var gradient = logits.ToArray();
        routing.Choose(gradient);
        var dWeights = new float[15];
        for (var i = 0; i < 15; i++)
            dWeights[routing.Places[i]] = slopes[i];
        routing.Backward(dWeights, gradient);
        for (var i = 0; i < logits.Length; i++)
            Assert.Equal((Sum(i, 1e-3f) - Sum(i, -1e-3f)) / 2e-3, gradient[i], 1e-3); // fp32 weights: 1e-7 / 1e-3 of noise

        double Sum(int at, float step)
        {
            var moved = logits.ToArray();
            moved[at] += step;
            var own = new ExpertRouting(config);
            own.Choose(moved);
            return Enumerable.Range(0, 15).Sum(j => (double)own.Weights[own.Places[j]] * slopes[j]);
        }
    }

    [Fact]
    public void Int8_stays_near_fp32_alone_and_in_a_batch_of_sequences()
    {
        using var decoder = Create();
        using var full = new Compute(2);
        ModelQuantizer.Quantize(decoder, full, new QuantizeOptions { Bits = 4, Group = 32 });
        using var integer = new Compute(2, ComputeMode.Int8);
        var ids = Enumerable.Range(0, 3).Select(s => TinyModel.Ids(decoder.Config, 9, s)).ToArray();
        var (expected, found) = (Stepwise(decoder, full, ids), Stepwise(decoder, integer, ids));
        Assert.NotEqual(expected, found);
        Close.Assert(expected, found, 0.05, "logits"); // activations of 8 bits
        for (var s = 0; s < ids.Length; s++)
        {
            using var cache = new KvCache(decoder.Config, 16);
            var logits = new float[decoder.Config.VocabularySize];
            decoder.Forward(full, ids[s], cache, logits);
            Close.Assert(logits, expected.AsSpan(s * logits.Length, logits.Length), 1e-4, "a batch of sequences");
        }
    }

    /// <summary>A sequence in which each token is scored on its own: experts that get one token, several or none compute the same.</summary>
    [Fact]
    public void Tokens_together_and_one_by_one_give_the_same()
    {
        using var compute = new Compute(2);
        using var decoder = Create();
        var ids = TinyModel.Ids(decoder.Config, 21, 3);
        var together = new float[ids.Length * decoder.Config.VocabularySize];
        decoder.Logits(compute, new TokenBatch(ids, [0, ids.Length], ids), together);
        using var cache = new KvCache(decoder.Config, 32);
        for (var t = 0; t < ids.Length; t++)
        {
            var logits = new float[decoder.Config.VocabularySize];
            decoder.Forward(compute, [ids[t]], cache, logits);
            Close.Assert(logits, together.AsSpan(t * logits.Length, logits.Length), 1e-4, $"token {t}");
        }
    }

    [Fact]
    public void Gptq_rounds_experts_that_no_token_was_sent_to()
    {
        using var compute = new Compute(2);
        using var decoder = Create();
        var ids = TinyModel.Ids(decoder.Config, 3, 1); // 6 places at most, for 8 experts
        var layers = ModelQuantizer.Quantize(decoder, compute, new QuantizeOptions { Scheme = "gptq", Bits = 4, Group = 32 }, [new TokenBatch(ids, [0, 3], ids)]);
        Assert.Equal(decoder.Linears.Select(l => l.Name).Order(), layers.Select(l => l.Name).Order());
        Assert.All(layers, l => Assert.InRange(l.RelativeError, 1e-4, 0.1));
    }

    [Fact]
    public void The_linears_of_a_plan_are_those_of_the_decoder()
    {
        using var decoder = Create();
        Assert.Equal(decoder.Linears.Select(l => (l.Name, l.InFeatures, l.OutFeatures)), LinearShape.Of(decoder.Config).Select(l => (l.Name, l.In, l.Out)));
        Assert.Equal(decoder.Weights().Sum(w => w.Matrix is { } m ? (long)m.Rows * m.Columns : w.Vector!.Value.Length),
            TuningPlan.OtherParameters(decoder.Config) + LinearShape.Of(decoder.Config).Sum(l => l.Weights));
    }

    [Fact]
    public void A_kept_block_takes_at_most_the_bytes_that_the_plan_counts()
    {
        using var compute = new Compute(1);
        using var decoder = Create();
        decoder.ReplaceLinears(l => new DenseTrainableLinear(l.Name, l.Weight, l.Bias));
        var ids = TinyModel.Ids(decoder.Config, 40, 1);
        var batch = new TokenBatch(ids, [0, ids.Length], ids);
        decoder.Accumulate(compute, batch, 1);
        var without = decoder.ActivationBytes;
        decoder.KeptBlocks = 1;
        decoder.Accumulate(compute, batch, 1);
        var planned = ActivationPlan.BlockBytes(decoder.Config, ids.Length);
        Assert.InRange(decoder.ActivationBytes - without, planned - 2L * sizeof(float) * ids.Length * decoder.Config.HiddenSize, planned);
    }

    private static Decoder Create()
    {
        var config = TinyModel.Config() with
        {
            Architecture = "qwen2_moe",
            Layers = 3,
            Experts = new ExpertsConfig { Count = 8, PerToken = 2, Size = 32, SharedSize = 64, DenseLayers = [0] },
        };
        return new Decoder(config, new RandomWeights(config, 1));
    }

    private static float[] Stepwise(Decoder decoder, Compute compute, int[][] ids)
    {
        var caches = ids.Select(_ => new KvCache(decoder.Config, 16)).ToArray();
        var logits = new float[ids.Length * decoder.Config.VocabularySize];
        for (var t = 0; t < ids[0].Length; t++)
            decoder.ForwardBatch(compute, [.. ids.Select(i => i[t])], caches, [], logits);
        foreach (var cache in caches)
            cache.Dispose();
        return logits;
    }

    private static float[] Logits(int tokens, int experts)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, tokens * experts).Select(_ => (float)(random.NextDouble() * 4 - 2))];
    }
}
