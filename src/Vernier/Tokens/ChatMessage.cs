using System.Text.Json.Nodes;

namespace Vernier.Tokens;

/// <summary>One message of a conversation, as a chat template sees it.</summary>
/// <param name="Role">Usually system, user, assistant or tool.</param>
/// <param name="Content">The text; null where the message has none (a tool call).</param>
public sealed record ChatMessage(string Role, string? Content)
{
    /// <summary>Further members, such as <c>tool_calls</c>; one named "content" takes the place of <see cref="Content"/>.</summary>
    public IReadOnlyDictionary<string, JsonNode?> Extra { get; init; } = new Dictionary<string, JsonNode?>();

    /// <summary>The message has a member "content", if only null: a template can tell null from nothing.</summary>
    public bool HasContent { get; init; } = true;

    /// <summary>An assistant's reply is learned from. Data take the loss off a turn by <c>"weight": 0</c> or <c>"train": false</c>.</summary>
    public bool IsTrained { get; init; } = true;

    /// <summary>Reads a message of a chat data file or request. All members reach the template as they are.</summary>
    /// <exception cref="InvalidDataException">There is no role.</exception>
    public static ChatMessage FromJson(JsonObject message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message["role"] is not JsonValue role || !role.TryGetValue<string>(out var name))
            throw new InvalidDataException("a message has no \"role\", expected a text");
        var content = message["content"] is JsonValue text && text.TryGetValue<string>(out var whole) ? whole : null;
        // Content may also be a list of parts.
        var extra = message.Where(member => member.Key != "role" && !(member.Key == "content" && (member.Value is null || content is not null)));
        return new ChatMessage(name, content) { Extra = extra.ToDictionary(member => member.Key, member => member.Value), HasContent = message.ContainsKey("content") };
    }
}
