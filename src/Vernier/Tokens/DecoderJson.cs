using System.Text.Json;

namespace Vernier.Tokens;

/// <summary>The decoder of a tokenizer.json, read as a rule for each piece.</summary>
internal static class DecoderJson
{
    public static PieceSpelling Read(string path, JsonElement? decoder)
    {
        var rules = new List<PieceSpelling.Rule>();
        var (isFused, dropsSpace) = (false, false);
        foreach (var rule in TokenizerJson.Flatten(decoder, "decoders"))
            switch (rule.Text("type"))
            {
                case "ByteLevel": rules.Add(new PieceSpelling.ByteLevel()); break;
                case "ByteFallback": rules.Add(new PieceSpelling.Bytes()); break;
                case "Fuse": isFused = true; break;
                case "Replace" when NormalizerJson.Pattern(rule) is (var pattern, true) && pattern.Length > 0 && rule.Text("content") is { } content:
                    rules.Add(new PieceSpelling.Replace(pattern, content));
                    break;
                case "BPEDecoder": rules.Add(new PieceSpelling.Replace(rule.Text("suffix") ?? "</w>", " ")); break;
                case "Metaspace" when (rule.Text("replacement") ?? "\u2581") is { Length: 1 } mark:
                    rules.Add(new PieceSpelling.Replace(mark, " "));
                    dropsSpace = (rule.Text("prepend_scheme") ?? (rule.Flag("add_prefix_space", otherwise: true) ? "always" : "never")) != "never";
                    break;
                case "Strip" when rule.Text("content") is [var character] && Count(rule, "start") is { } start && Count(rule, "stop") is { } stop:
                    if (!isFused)
                        rules.Add(new PieceSpelling.Strip(character, start, stop));
                    else if (character == ' ' && start <= 1 && stop == 0)
                        dropsSpace = start == 1;
                    else
                        throw TokenizerJson.Unknown(path, "decoder", rule);
                    break;
                default: throw TokenizerJson.Unknown(path, "decoder", rule);
            }
        return new PieceSpelling(rules) { DropsLeadingSpace = dropsSpace };
    }

    private static int? Count(JsonElement owner, string name) =>
        owner.Find(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var count) && count >= 0 ? count : null;
}
