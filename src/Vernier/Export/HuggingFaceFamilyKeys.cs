using System.Globalization;
using System.Text.Json.Nodes;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>Keys of config.json that some families have beside those of LLaMA.</summary>
internal static class HuggingFaceFamilyKeys
{
    public static void Add(JsonObject json, ModelConfig config)
    {
        switch (config.Architecture)
        {
            case "phi3":
                json["original_max_position_embeddings"] = config.RopeFormula is { Type: RopeFormula.LongRope } formula ? formula.OriginalContext : config.ContextLength;
                json["partial_rotary_factor"] = (double)config.RotaryDim / config.HeadDim;
                break;
            case "gemma2" or "gemma3_text":
                Gemma(json, config);
                break;
            case "granite":
                json["attention_multiplier"] = Number(config.AttentionScale);
                json["embedding_multiplier"] = Number(config.EmbeddingScale);
                json["residual_multiplier"] = Number(config.ResidualScale);
                json["logits_scaling"] = Number(config.LogitDivisor);
                break;
            case "smollm3":
                json["no_rope_layers"] = new JsonArray([.. Enumerable.Range(0, config.Layers).Select(l => (JsonNode)(config.RotaryLayers.Count == 0 || config.RotaryLayers[l] ? 1 : 0))]);
                break;
        }
    }

    private static void Gemma(JsonObject json, ModelConfig config)
    {
        json["hidden_act"] = "gelu_pytorch_tanh"; // what others read
        json["hidden_activation"] = "gelu_pytorch_tanh";
        json["query_pre_attn_scalar"] = QueryScalar(config.AttentionScale);
        json["attn_logit_softcapping"] = config.AttentionSoftCap == 0 ? null : Number(config.AttentionSoftCap);
        json["final_logit_softcapping"] = config.LogitSoftCap == 0 ? null : Number(config.LogitSoftCap);
        if (config.Architecture == "gemma2")
            return;
        json["rope_local_base_freq"] = Number(config.LocalRopeTheta);
        json["sliding_window_pattern"] = config.AttentionWindows.TakeWhile(w => w > 0).Count() + 1; // for old versions, which do not read layer_types
    }

    /// <summary>What the scale is 1 / √ of; a whole number in all that are published.</summary>
    private static JsonNode QueryScalar(float scale)
    {
        var scalar = 1 / ((double)scale * scale);
        return Math.Abs(scalar - Math.Round(scalar)) < 1e-5 * scalar ? (int)Math.Round(scalar) : scalar;
    }

    /// <summary>The decimal number that is meant: 0.6, and not what fp32 makes of it.</summary>
    private static JsonNode Number(float value) => double.Parse(value.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
