using System.Text.Json;

namespace Vernier.Tokens;

/// <summary>What the configuration files beside a tokenizer say: tokenizer_config.json, special_tokens_map.json, generation_config.json, config.json, chat_template.jinja.</summary>
internal sealed record TokenizerConfig
{
    public string? BosToken { get; private init; }

    public string? EosToken { get; private init; }

    public bool? AddsBos { get; private init; }

    public string? ChatTemplate { get; private init; }

    /// <summary>The ids that end a text, by generation_config.json or config.json.</summary>
    public IReadOnlyList<int> EndIds { get; private init; } = [];

    public static TokenizerConfig Read(string folder)
    {
        using var config = Open(folder, "tokenizer_config.json");
        using var map = Open(folder, "special_tokens_map.json");
        using var generation = Open(folder, "generation_config.json") ?? Open(folder, "config.json");
        var template = Path.Combine(folder, "chat_template.jinja");
        return new TokenizerConfig
        {
            BosToken = Content(config, "bos_token") ?? Content(map, "bos_token"),
            EosToken = Content(config, "eos_token") ?? Content(map, "eos_token"),
            AddsBos = Find(config, "add_bos_token") is { ValueKind: JsonValueKind.True or JsonValueKind.False } adds ? adds.GetBoolean() : null,
            ChatTemplate = File.Exists(template) ? File.ReadAllText(template) : TemplateOf(Find(config, "chat_template")),
            EndIds = Find(generation, "eos_token_id") switch
            {
                { ValueKind: JsonValueKind.Number } id when id.TryGetInt32(out var one) => [one],
                { ValueKind: JsonValueKind.Array } ids =>
                    [.. ids.EnumerateArray().Where(id => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out _)).Select(id => id.GetInt32())],
                _ => [],
            },
        };
    }

    private static JsonDocument? Open(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? TokenizerJson.Open(path) : null;
    }

    private static JsonElement? Find(JsonDocument? file, string name) =>
        file is { RootElement.ValueKind: JsonValueKind.Object } && file.RootElement.TryGetProperty(name, out var found) ? found : null;

    /// <summary>A token is written as a string or as an object with its content.</summary>
    private static string? Content(JsonDocument? file, string name) => Find(file, name) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Object } token when token.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String
            => content.GetString(),
        _ => null,
    };

    /// <summary>A chat template is a string, or a list of named ones of which "default" is taken.</summary>
    private static string? TemplateOf(JsonElement? value) => value switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Array } list => list.EnumerateArray()
            .Where(entry => entry.ValueKind == JsonValueKind.Object
                && entry.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String && name.GetString() == "default"
                && entry.TryGetProperty("template", out var template) && template.ValueKind == JsonValueKind.String)
            .Select(entry => entry.GetProperty("template").GetString())
            .FirstOrDefault(),
        _ => null,
    };
}
