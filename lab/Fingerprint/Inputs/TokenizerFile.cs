using System.Text.Json;
using System.Text.Json.Nodes;

namespace Vernier.Fingerprint.Inputs;

/// <summary>A tokenizer.json of byte-level BPE: 256 bytes, 30 merges, two special tokens, which is <see cref="Family.Vocabulary"/>.</summary>
internal static class TokenizerFile
{
    private static readonly string[] s_merges =
    [
        "t h", "th e", "i n", "e r", "a n", "o n", "r e", "e n", "o u", "i s", "o r", "a t", "s t", "e d", "in g", "Ġ the", "Ġ a", "Ġ s", "Ġ w", "Ġ b", "Ġ f", "Ġ o", "an d", "Ġ and", "i t", "l l", "a r",
        "e s", "o w", "c k",
    ];

    public static void Write(string folder)
    {
        var vocabulary = new JsonObject();
        foreach (var letter in ByteLetters())
            vocabulary[letter] = vocabulary.Count;
        foreach (var merge in s_merges)
            vocabulary[merge.Replace(" ", "", StringComparison.Ordinal)] = vocabulary.Count;
        var json = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(Special("<s>", vocabulary.Count), Special("</s>", vocabulary.Count + 1)),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true },
            ["post_processor"] = null,
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["trim_offsets"] = true, ["use_regex"] = true },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. s_merges.Select(m => JsonValue.Create(m))]),
            },
        };
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), json.ToJsonString(new JsonSerializerOptions { WriteIndented = false }));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"),
            """{"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "chat_template": "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}<s>assistant: {% endif %}"}""");
    }

    private static JsonObject Special(string text, int id) => new()
    {
        ["id"] = id,
        ["content"] = text,
        ["single_word"] = false,
        ["lstrip"] = false,
        ["rstrip"] = false,
        ["normalized"] = false,
        ["special"] = true,
    };

    /// <summary>The letter for each byte: printable ones stand for themselves, the others for letters from U+0100 on.</summary>
    private static IEnumerable<string> ByteLetters()
    {
        var next = 0x100;
        for (var value = 0; value < 256; value++)
            yield return value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? $"{(char)value}" : $"{(char)next++}";
    }
}
