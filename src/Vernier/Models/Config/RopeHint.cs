using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files.Gguf;

namespace Vernier.Models;

/// <summary>GGUF files state some rotary scalings by their factors alone. Vernier writes the formula beside them under a key of its own, so that config.json can have it
/// back; it is believed only where it gives these very factors.</summary>
internal static class RopeHint
{
    private const string Key = "vernier.rope_scaling";

    /// <summary>The formula as config.json spells it.</summary>
    /// <param name="attentionFactor">Of YaRN.</param>
    public static JsonObject ToJson(RopeFormula formula, float attentionFactor)
    {
        if (formula.Type == RopeFormula.LongRope)
            return LongRope(formula, attentionFactor);
        var json = new JsonObject { ["rope_type"] = formula.Type, ["factor"] = Number(formula.Factor) };
        if (formula.Type is RopeFormula.Linear or RopeFormula.Dynamic)
            return json;
        json["original_max_position_embeddings"] = formula.OriginalContext;
        if (formula.Type == RopeFormula.Llama3)
        {
            json["low_freq_factor"] = Number(formula.LowFrequencyFactor);
            json["high_freq_factor"] = Number(formula.HighFrequencyFactor);
            return json;
        }
        json["beta_fast"] = Number(formula.BetaFast);
        json["beta_slow"] = Number(formula.BetaSlow);
        json["attention_factor"] = Number(attentionFactor);
        if (!formula.Truncates)
            json["truncate"] = false;
        return json;
    }

    /// <summary>Three keys: older versions of transformers take no other number of them. The original context stands beside them.</summary>
    private static JsonObject LongRope(RopeFormula formula, float attentionFactor)
    {
        var json = new JsonObject
        {
            ["type"] = formula.Type,
            ["short_factor"] = new JsonArray([.. formula.ShortFactors.Select(Number)]),
            ["long_factor"] = new JsonArray([.. formula.LongFactors.Select(Number)]),
        };
        if (Math.Abs(attentionFactor / formula.UsualAttentionFactor - 1) > 1e-6)
            json["attention_factor"] = Number(attentionFactor);
        return json;
    }

    private static JsonNode Number(float value) => Number(double.Parse(value.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));

    /// <summary>transformers warns of a whole number here that is not spelled as a fraction.</summary>
    private static JsonNode Number(double value) =>
        JsonNode.Parse(value == Math.Floor(value) && Math.Abs(value) < 1e15 ? value.ToString("F1", CultureInfo.InvariantCulture) : value.ToString("R", CultureInfo.InvariantCulture))!;

    public static GgufValue Value(RopeFormula formula, float attentionFactor) => GgufValue.Of(Key, ToJson(formula, attentionFactor).ToJsonString());

    /// <summary>The formula that gives the factors; null where the file has none or a wrong one.</summary>
    public static RopeFormula? Read(GgufMetadata metadata, float theta, float[] factors)
    {
        if (metadata.FindString(Key) is not { } text)
            return null;
        try
        {
            using var json = JsonDocument.Parse($"{{\"rope_scaling\":{text},\"rope_theta\":{theta.ToString("R", CultureInfo.InvariantCulture)}}}");
            var read = RopeScaling.Read(new ConfigKeys(Key, json.RootElement), 2 * factors.Length, 1);
            return read.Factors.AsSpan().SequenceEqual(factors) ? read.Formula : null;
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or NotSupportedException)
        {
            return null;
        }
    }
}
