using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Tokens.Templates;

namespace Vernier.Tokens;

/// <summary>One message of a conversation, as a chat template sees it.</summary>
/// <param name="Role">Usually system, user, assistant or tool.</param>
/// <param name="Content">The text; null where the message has none (a tool call), which is none for the template.</param>
public sealed record ChatMessage(string Role, string? Content)
{
    /// <summary>Further members, such as <c>tool_calls</c>; one named "content" takes the place of <see cref="Content"/>.</summary>
    public IReadOnlyDictionary<string, JsonNode?> Extra { get; init; } = new Dictionary<string, JsonNode?>();

    /// <summary>The message has a member "content", if only null: a template can tell null from nothing.</summary>
    public bool HasContent { get; init; } = true;

    /// <summary>An assistant's reply is learned from. Data take the loss off a turn by <c>"weight": 0</c> or <c>"train": false</c>.</summary>
    public bool IsTrained { get; init; } = true;

    /// <summary>The names of the members that the record had, in its order; null for a message that code made.</summary>
    private IReadOnlyList<string>? Names { get; init; }

    /// <summary>Reads a message of a chat data file or request. All members reach the template as they are.</summary>
    /// <exception cref="InvalidDataException">There is no role.</exception>
    public static ChatMessage FromJson(JsonObject message)
    {
        ArgumentNullException.ThrowIfNull(message);
        try
        {
            using var document = JsonDocument.Parse(message.ToJsonString());
            return FromJson(document.RootElement.Clone());
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or JsonException)
        {
            throw new InvalidDataException($"a message is no valid JSON: {e.Message}", e);
        }
    }

    /// <summary>Reads a message of a chat data file or request. All members reach the template as they are; of a name that stands twice the last one counts.</summary>
    /// <exception cref="InvalidDataException">There is no role.</exception>
    public static ChatMessage FromJson(JsonElement message)
    {
        if (message.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"a message is a JSON {message.ValueKind}, expected an object");
        var members = new OrderedDictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in message.EnumerateObject())
            members[TemplateJson.Name(member)] = member.Value;
        if (!members.TryGetValue("role", out var role) || role.ValueKind != JsonValueKind.String)
            throw new InvalidDataException("a message has no \"role\", expected a text");
        var content = members.TryGetValue("content", out var given) && given.ValueKind == JsonValueKind.String ? TemplateJson.Text(given) : null;
        // Content may also be a list of parts.
        var extra = members.Where(member => member.Key != "role" && !(member.Key == "content" && (content is not null || member.Value.ValueKind == JsonValueKind.Null)));
        return new ChatMessage(TemplateJson.Text(role), content)
        {
            Extra = extra.ToDictionary(member => member.Key, member => TemplateJson.ToNode(member.Value)),
            HasContent = members.ContainsKey("content"),
            Names = [.. members.Keys],
        };
    }

    /// <summary>The members that a template sees, in the order of the record.</summary>
    internal TemplateDictionary ToTemplate()
    {
        var members = new TemplateDictionary();
        foreach (var name in Names ?? [])
            if (name == "role" || (name == "content" && HasContent) || Extra.ContainsKey(name))
                members[name] = null;
        members["role"] = Role;
        if (HasContent || Content is not null)
            members["content"] = Content;
        foreach (var (name, value) in Extra)
            members[name] = TemplateJson.ToValue(value);
        return members;
    }
}
