using System.Text.Json;
using System.Text.Json.Nodes;

namespace Vernier.Tokens;

/// <summary>The pre-tokenizer of a tokenizer.json: from JSON to stages, and from rules to JSON.</summary>
internal static class PreTokenizerJson
{
    public static IReadOnlyList<PipelineStage> Read(string path, JsonElement? preTokenizer) =>
        [.. TokenizerJson.Flatten(preTokenizer, "pretokenizers").Select(stage => Stage(path, stage))];

    public static JsonObject Write(PreTokenization.Rule rule) => rule switch
    {
        PreTokenization.Digits digits => new JsonObject { ["type"] = "Digits", ["individual_digits"] = digits.Individual },
        PreTokenization.Split split => new JsonObject
        {
            ["type"] = "Split",
            ["pattern"] = new JsonObject { [split.IsLiteral ? "String" : "Regex"] = split.Pattern },
            ["behavior"] = split.Behavior.ToString(),
            ["invert"] = split.IsInverted,
        },
        PreTokenization.Punctuation punctuation => new JsonObject { ["type"] = "Punctuation", ["behavior"] = punctuation.Behavior.ToString() },
        PreTokenization.WhiteSpaceSplit => new JsonObject { ["type"] = "WhitespaceSplit" },
        PreTokenization.Words => new JsonObject { ["type"] = "Whitespace" },
        PreTokenization.FixedLength fixedLength => new JsonObject { ["type"] = "FixedLength", ["length"] = fixedLength.Length },
        _ => throw new NotSupportedException($"the rule {rule} has no form in tokenizer.json"),
    };

    private static PipelineStage Stage(string path, JsonElement stage)
    {
        switch (stage.Text("type"))
        {
            case "ByteLevel": return new PipelineStage.ByteLevel(stage.Flag("add_prefix_space", otherwise: true), stage.Flag("use_regex", otherwise: true));
            case "Metaspace" when (stage.Text("replacement") ?? "\u2581") is [var mark]:
                return new PipelineStage.Metaspace(mark, Prefix(path, stage), stage.Flag("split", otherwise: true));
            case "Digits": return new PipelineStage.Cut(new PreTokenization.Digits(stage.Flag("individual_digits")));
            case "Punctuation": return new PipelineStage.Cut(new PreTokenization.Punctuation(Behavior(path, stage, SplitBehavior.Isolated)));
            case "WhitespaceSplit": return new PipelineStage.Cut(new PreTokenization.WhiteSpaceSplit());
            case "Whitespace": return new PipelineStage.Cut(new PreTokenization.Words());
            case "CharDelimiterSplit" when stage.Text("delimiter") is { Length: > 0 } delimiter:
                return new PipelineStage.Cut(new PreTokenization.Split(delimiter, SplitBehavior.Removed, IsInverted: false, IsLiteral: true));
            case "FixedLength" when (stage.Find("length") is { } length ? length.ValueKind == JsonValueKind.Number && length.TryGetInt32(out var value) ? value : 0 : 5) is > 0 and var characters:
                return new PipelineStage.Cut(new PreTokenization.FixedLength(characters));
            case "Split" when NormalizerJson.Pattern(stage) is var (pattern, isLiteral) && pattern.Length > 0:
                return new PipelineStage.Cut(Simplest(new PreTokenization.Split(pattern, Behavior(path, stage, null), stage.Flag("invert"), isLiteral)));
            default: throw TokenizerJson.Unknown(path, "pre-tokenizer", stage);
        }
    }

    /// <summary>A pattern that takes all text is the same rule whether its matches are kept or what lies between them is dropped.</summary>
    private static PreTokenization.Split Simplest(PreTokenization.Split split) =>
        split is { Behavior: SplitBehavior.Removed, IsInverted: true, IsLiteral: false } && GgufPreTokenizer.TakesAllText(split.Pattern)
            ? new PreTokenization.Split(split.Pattern)
            : split;

    private static PrefixSpace Prefix(string path, JsonElement stage) =>
        (stage.Text("prepend_scheme") ?? (stage.Flag("add_prefix_space", otherwise: true) ? "always" : "never")) switch
        {
            "always" => PrefixSpace.Always,
            "first" => PrefixSpace.First,
            "never" => PrefixSpace.Never,
            _ => throw TokenizerJson.Unknown(path, "prepend_scheme", stage),
        };

    private static SplitBehavior Behavior(string path, JsonElement stage, SplitBehavior? otherwise) => stage.Text("behavior") switch
    {
        null when otherwise is { } known => known,
        { } name when Enum.TryParse<SplitBehavior>(name, out var found) && Enum.IsDefined(found) && !char.IsAsciiDigit(name[0]) => found,
        _ => throw TokenizerJson.Unknown(path, "behavior of the pre-tokenizer", stage),
    };
}
