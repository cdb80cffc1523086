using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Tokens.Unicode;

namespace Vernier.Tokens;

/// <summary>The normalizer of a tokenizer.json: from JSON to rules and back.</summary>
internal static class NormalizerJson
{
    public static Normalization Read(string path, JsonElement? normalizer) =>
        new([.. TokenizerJson.Flatten(normalizer, "normalizers").Select(rule => Rule(path, rule))]);

    public static JsonNode? Write(Normalization normalization)
    {
        var rules = normalization.Rules.Select(Write).ToArray();
        return rules.Length switch
        {
            0 => null,
            1 => rules[0],
            _ => new JsonObject { ["type"] = "Sequence", ["normalizers"] = new JsonArray(rules) },
        };
    }

    private static Normalization.Rule Rule(string path, JsonElement rule) => rule.Text("type") switch
    {
        "NFC" => new Normalization.Form(NormalForm.C),
        "NFD" => new Normalization.Form(NormalForm.D),
        "NFKC" => new Normalization.Form(NormalForm.KC),
        "NFKD" => new Normalization.Form(NormalForm.KD),
        "Lowercase" => new Normalization.LowerCase(),
        "StripAccents" => new Normalization.StripAccents(),
        "Nmt" => new Normalization.Nmt(),
        "ByteLevel" => new Normalization.ByteLevel(),
        "Strip" => new Normalization.Strip(rule.Flag("strip_left", otherwise: true), rule.Flag("strip_right", otherwise: true)),
        "Prepend" when rule.Text("prepend") is { } text => new Normalization.Prepend(text),
        "Replace" when Pattern(rule) is var (pattern, isLiteral) && rule.Text("content") is { } content =>
            new Normalization.Replace(pattern, isLiteral, content).Checked(),
        "Precompiled" when rule.Find("precompiled_charsmap") is { } map => Precompiled(path, map),
        _ => throw TokenizerJson.Unknown(path, "normalizer", rule),
    };

    /// <summary>A pattern is a text as it is or a regular expression.</summary>
    public static (string Pattern, bool IsLiteral)? Pattern(JsonElement owner) => owner.Find("pattern") switch
    {
        { } pattern when pattern.Text("String") is { } literal => (literal, true),
        { } pattern when pattern.Text("Regex") is { } expression => (expression, false),
        { ValueKind: JsonValueKind.String } pattern => (pattern.GetString()!, true),
        _ => null,
    };

    private static Normalization.Precompiled Precompiled(string path, JsonElement map) => map.ValueKind == JsonValueKind.String && map.TryGetBytesFromBase64(out var bytes)
        ? new(new PrecompiledCharacterMap(bytes, path))
        : throw new InvalidDataException($"{path}: precompiled_charsmap is a {map.ValueKind}, expected base64");

    private static JsonNode Write(Normalization.Rule rule) => rule switch
    {
        Normalization.Form form => new JsonObject { ["type"] = $"NF{form.Kind}" },
        Normalization.LowerCase => new JsonObject { ["type"] = "Lowercase" },
        Normalization.StripAccents => new JsonObject { ["type"] = "StripAccents" },
        Normalization.Nmt => new JsonObject { ["type"] = "Nmt" },
        Normalization.Strip strip => new JsonObject { ["type"] = "Strip", ["strip_left"] = strip.Left, ["strip_right"] = strip.Right },
        Normalization.Prepend prepend => new JsonObject { ["type"] = "Prepend", ["prepend"] = prepend.Text },
        Normalization.Replace replace => new JsonObject
        {
            ["type"] = "Replace",
            ["pattern"] = new JsonObject { [replace.IsLiteral ? "String" : "Regex"] = replace.Pattern },
            ["content"] = replace.Content,
        },
        _ => throw new NotSupportedException($"the normalizer {rule} is not written to tokenizer.json here"),
    };
}
