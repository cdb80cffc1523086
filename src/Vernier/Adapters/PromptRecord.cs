using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Data;

namespace Vernier.Adapters;

/// <summary>The prompt form in an adapter's own JSON: <c>{"form", "definition", "system"}</c>, the last two where there are any. Prompts of the data are not stored.</summary>
internal static class PromptRecord
{
    /// <summary>The member's name.</summary>
    public const string Key = "prompt";

    public static JsonObject? ToJson(PromptForm? prompt)
    {
        if (prompt is null)
            return null;
        var json = new JsonObject { ["form"] = prompt.Name };
        if (prompt.Definition is { } definition)
            json["definition"] = definition;
        if (prompt.SystemMessage is { } system)
            json["system"] = system;
        return json;
    }

    /// <summary>null where an older version wrote nothing, or a later one a form that is not known here: prompts are then left as they are.</summary>
    public static PromptForm? Read(JsonElement own)
    {
        if (!own.TryGetProperty(Key, out var json) || json.ValueKind != JsonValueKind.Object || Text("form") is not { } name)
            return null;
        var kinds = Enum.GetValues<PromptKind>().Where(kind => OptionValue.NameOf(kind) == name).ToList();
        return kinds.Count == 1 ? new PromptForm(kinds[0]) { Definition = Text("definition"), SystemMessage = Text("system") } : null;

        string? Text(string member) => json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }
}
