using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Vernier.Tokens;

/// <summary>What the configuration files beside a tokenizer say: tokenizer_config.json, special_tokens_map.json, added_tokens.json,
/// generation_config.json or config.json, chat_template.jinja.</summary>
internal sealed record TokenizerConfig
{
    private const int MostTemplateBytes = 4 << 20;
    private static readonly string[] TokenNames = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"];

    public string? BosToken { get; private set; }

    public string? EosToken { get; private set; }

    public string? UnknownToken { get; private set; }

    public bool? AddsBos { get; private set; }

    public bool? AddsPrefixSpace { get; private set; }

    /// <summary>The Python class that reads the tokenizer.</summary>
    public string? Class { get; private set; }

    public string? ChatTemplate { get; private set; }

    /// <summary>The chat template for conversations with tools, where it is another one.</summary>
    public string? ToolTemplate { get; private set; }

    /// <summary>What a chat template sees of the special tokens, by name; null for none of a name.</summary>
    public Dictionary<string, JsonNode?> TemplateTokens { get; } = new(StringComparer.Ordinal);

    /// <summary>The ids that end a text, by generation_config.json or config.json.</summary>
    public IReadOnlyList<int> EndIds { get; private set; } = [];

    /// <summary>The tokens that are special, by their spelling.</summary>
    public HashSet<string> SpecialTokens { get; } = new(StringComparer.Ordinal);

    /// <summary>The tokens that were added to the vocabulary, with ids and flags.</summary>
    public List<SpecialToken> AddedTokens { get; } = [];

    /// <exception cref="InvalidDataException">A file is damaged; names it.</exception>
    public static TokenizerConfig Read(string folder)
    {
        var config = new TokenizerConfig();
        ReadIfThere(folder, "tokenizer_config.json", config.ReadConfig);
        ReadIfThere(folder, "special_tokens_map.json", config.ReadTokenNames);
        ReadIfThere(folder, "added_tokens.json", config.ReadAddedTokens);
        if (!ReadIfThere(folder, "generation_config.json", config.ReadEndIds))
            ReadIfThere(folder, "config.json", config.ReadEndIds);
        config.ChatTemplate = TemplateFile(folder, "chat_template.jinja") ?? config.ChatTemplate;
        config.ToolTemplate = TemplateFile(folder, Path.Combine("additional_chat_templates", "tool_use.jinja")) ?? config.ToolTemplate;
        return config;
    }

    private static string? TemplateFile(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? Encoding.UTF8.GetString(TokenizerJson.ReadUtf8(path, MostTemplateBytes).Span) : null;
    }

    private static bool ReadIfThere(string folder, string name, Action<string, JsonElement> read)
    {
        var path = Path.Combine(folder, name);
        return File.Exists(path) && TokenizerJson.Read(path, root =>
        {
            if (root.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{path}: a JSON {root.ValueKind}, expected an object");
            read(path, root);
            return true;
        });
    }

    private void ReadConfig(string path, JsonElement root)
    {
        ReadTokenNames(path, root);
        AddsBos = root.Find("add_bos_token") is { ValueKind: JsonValueKind.True or JsonValueKind.False } adds ? adds.GetBoolean() : null;
        AddsPrefixSpace = root.Find("add_prefix_space") is { ValueKind: JsonValueKind.True or JsonValueKind.False } prefix ? prefix.GetBoolean() : null;
        Class = root.Text("tokenizer_class");
        ChatTemplate = TemplateOf(root.Find("chat_template"), "default");
        ToolTemplate = TemplateOf(root.Find("chat_template"), "tool_use");
        if (root.Find("extra_special_tokens") is { ValueKind: JsonValueKind.Object } extra)
            foreach (var token in extra.EnumerateObject())
                TemplateTokens.TryAdd(token.Name, Content(token.Value));
        if (root.Find("added_tokens_decoder") is not { ValueKind: JsonValueKind.Object } added)
            return;
        foreach (var entry in added.EnumerateObject())
            AddedTokens.Add(int.TryParse(entry.Name, out var id) && id >= 0 && entry.Value.Text("content") is { } content
                ? TokenizerJson.Added(entry.Value, content, id)
                : throw new InvalidDataException($"{path}: added_tokens_decoder: \"{entry.Name}\" is {TokenizerJson.Shown(entry.Value)}, expected an id and a token with its content"));
    }

    private void ReadTokenNames(string path, JsonElement root)
    {
        BosToken ??= Content(root.Find("bos_token"));
        EosToken ??= Content(root.Find("eos_token"));
        UnknownToken ??= Content(root.Find("unk_token"));
        var named = TokenNames.Select(name => root.Find(name)).Concat(root.Items("additional_special_tokens").Select(item => (JsonElement?)item));
        SpecialTokens.UnionWith(named.Select(Content).OfType<string>());
        foreach (var name in TokenNames)
            if (root.Find(name) is { } token)
                TemplateTokens.TryAdd(name, Content(token));
        if (root.Items("additional_special_tokens").Select(item => Content(item)).OfType<string>().ToArray() is { Length: > 0 } more)
            TemplateTokens.TryAdd("additional_special_tokens", new JsonArray([.. more.Select(token => JsonValue.Create(token))]));
    }

    /// <summary>The older form of added_tokens_decoder, which does not say the flags.</summary>
    private void ReadAddedTokens(string path, JsonElement root)
    {
        var known = AddedTokens.Select(token => token.Id).ToHashSet();
        foreach (var entry in root.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out var id) || id < 0)
                throw new InvalidDataException($"{path}: token \"{entry.Name}\" has the id {TokenizerJson.Shown(entry.Value)}, expected a whole number from 0");
            if (known.Add(id))
                AddedTokens.Add(new SpecialToken(entry.Name, id, SpecialTokens.Contains(entry.Name), IsNormalized: !SpecialTokens.Contains(entry.Name)));
        }
    }

    private void ReadEndIds(string path, JsonElement root) => EndIds = root.Find("eos_token_id") switch
    {
        { ValueKind: JsonValueKind.Number } id when id.TryGetInt32(out var one) => [one],
        { ValueKind: JsonValueKind.Array } ids =>
            [.. ids.EnumerateArray().Where(id => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out _)).Select(id => id.GetInt32())],
        _ => [],
    };

    /// <summary>A token is written as a string or as an object with its content.</summary>
    private static string? Content(JsonElement? token) => token switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Object } entry => entry.Text("content"),
        _ => null,
    };

    /// <summary>A chat template is a string, which is the default one, or a list of named ones.</summary>
    private static string? TemplateOf(JsonElement? value, string name) => value switch
    {
        { ValueKind: JsonValueKind.String } text => name == "default" ? text.GetString() : null,
        { ValueKind: JsonValueKind.Array } list => list.EnumerateArray()
            .Where(entry => entry.Text("name") == name).Select(entry => entry.Text("template")).FirstOrDefault(),
        _ => null,
    };
}
