using System.Text.Json;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tests.Models;

/// <summary>Keys of the GPT families that no golden has; goldens/families has the usual ones.</summary>
public class GptVariantTests
{
    /// <summary>To divide the scores of a layer by a number is to divide its queries.</summary>
    [Fact]
    public void Scores_are_divided_by_the_number_of_the_layer()
    {
        using var compute = new Compute(1);
        var config = Read("""{"model_type":"gpt2","n_embd":32,"n_head":4,"n_layer":3,"n_positions":64,"vocab_size":67,"scale_attn_by_inverse_layer_idx":true,"n_inner":40}""");
        Assert.Equal(40, config.FeedForwardSize);
        using var scaled = Create(config, _ => 1);
        using var divided = Create(config with { AttentionScaleByLayer = false }, name => name.Contains("q_proj", StringComparison.Ordinal) ? 1f / (name["transformer.h.".Length] - '0' + 1) : 1);
        using var plain = Create(config with { AttentionScaleByLayer = false }, _ => 1);
        Close.Assert(Logits(divided, compute), Logits(scaled, compute), 1e-4, "logits");
        Assert.Contains(Logits(plain, compute).Zip(Logits(scaled, compute)), p => Math.Abs(p.First - p.Second) > 1e-3);
    }

    [Theory]
    [InlineData("""{"model_type":"gpt_neox","use_parallel_residual":false,"intermediate_size":40}""", false, false, 4)]
    [InlineData("""{"model_type":"gpt_neox","intermediate_size":40}""", true, true, 4)]
    [InlineData("""{"model_type":"falcon","parallel_attn":false,"multi_query":false,"bias":true}""", false, false, 4)]
    [InlineData("""{"model_type":"falcon"}""", true, false, 1)]
    [InlineData("""{"model_type":"falcon","new_decoder_architecture":true,"num_kv_heads":2,"num_ln_in_parallel_attn":1}""", true, false, 2)]
    public void Blocks_are_put_together_as_the_keys_say(string json, bool parallel, bool norms, int kvHeads)
    {
        var config = Read(json[..^1] + ""","hidden_size":32,"num_attention_heads":4,"num_hidden_layers":2,"max_position_embeddings":64,"vocab_size":67}""");
        Assert.Equal((parallel, norms, kvHeads), (config.ParallelBlock, config.ParallelNorms, config.KvHeads));
        using var compute = new Compute(1);
        using var decoder = Create(config, _ => 1);
        var names = decoder.Weights().Select(w => w.Name).ToList();
        Assert.Equal(parallel && !norms, !names.Any(n => n.Contains("post_attention_layernorm", StringComparison.Ordinal)));
        Assert.All(Logits(decoder, compute), v => Assert.True(float.IsFinite(v)));
    }

    [Theory]
    [InlineData("""{"model_type":"falcon","alibi":true}""", "alibi")]
    [InlineData("""{"model_type":"falcon","new_decoder_architecture":true}""", "num_ln_in_parallel_attn")]
    [InlineData("""{"model_type":"starcoder2","intermediate_size":40,"mlp_type":"gated"}""", "mlp_type")]
    [InlineData("""{"model_type":"starcoder2","intermediate_size":40,"norm_type":"rms_norm"}""", "norm_type")]
    [InlineData("""{"model_type":"qwen2_moe","intermediate_size":40,"num_experts":4,"num_experts_per_tok":2,"moe_intermediate_size":8,"shared_expert_intermediate_size":8,"use_sliding_window":true,"sliding_window":8}""", "use_sliding_window")]
    [InlineData("""{"model_type":"llama","intermediate_size":40,"num_local_experts":4}""", "num_local_experts")]
    public void What_is_not_done_is_refused_by_its_name(string json, string key)
    {
        var whole = json[..^1] + ""","hidden_size":32,"num_attention_heads":4,"num_hidden_layers":2,"max_position_embeddings":64,"vocab_size":67}""";
        Assert.Contains($"'{key}'", Assert.Throws<NotSupportedException>(() => Read(whole)).Message);
    }

    /// <summary>Every kind of rows in a fused tensor: those of a head together, or of the query heads that share a key.</summary>
    [Theory]
    [InlineData("gpt_neox", 4, new[] { 0, 1, 6, 7 }, new[] { 2, 3, 8, 9 })]
    [InlineData("falcon", 2, new[] { 0, 1, 2, 3, 8, 9 }, new[] { 4, 5, 12, 13 })]
    [InlineData("falcon", 1, new[] { 0, 1, 2, 3, 4, 5, 6, 7 }, new[] { 8, 9 })]
    public void Rows_of_a_fused_tensor(string architecture, int kvHeads, int[] query, int[] key)
    {
        var places = StoredTensors.OfFolder(TinyModel.Config() with { Architecture = architecture, Heads = 4, KvHeads = kvHeads, HeadDim = 2 });
        var prefix = architecture == "falcon" ? "transformer.h.0.self_attention." : "gpt_neox.layers.0.attention.";
        Assert.Equal(query, Enumerable.Range(0, query.Length).Select(places.Find(prefix + "q_proj.weight")!.Order.FileRow));
        Assert.Equal(key, Enumerable.Range(0, key.Length).Select(places.Find(prefix + "k_proj.weight")!.Order.FileRow));
        Assert.Equal(prefix + "query_key_value.bias", places.Find(prefix + "v_proj.bias")!.Stored);
    }

    private static ModelConfig Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return HuggingFaceConfig.Read("config.json", document.RootElement);
    }

    private static Decoder Create(ModelConfig config, Func<string, float> factor) => new(config, new ScaledWeights(config, factor));

    private static float[] Logits(Decoder decoder, Compute compute)
    {
        var ids = TinyModel.Ids(decoder.Config, 20, 1);
        var logits = new float[ids.Length * decoder.Config.VocabularySize];
        decoder.Logits(compute, new TokenBatch(ids, [0, ids.Length], ids), logits);
        return logits;
    }

    /// <summary>Twenty times the usual start, so that attention is not flat.</summary>
    private sealed class ScaledWeights(ModelConfig config, Func<string, float> factor) : IWeightSource
    {
        private readonly RandomWeights _random = new(config, 1);

        public WeightMatrix Matrix(string name, int rows, int columns)
        {
            var matrix = (DenseMatrix)_random.Matrix(name, rows, columns);
            foreach (ref var value in matrix.Values.Span)
                value *= 20 * factor(name);
            return matrix;
        }

        public void Vector(string name, Span<float> destination) => _random.Vector(name, destination);
    }
}
