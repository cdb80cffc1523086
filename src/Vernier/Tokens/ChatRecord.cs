using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Tokens.Templates;

namespace Vernier.Tokens;

/// <summary>A conversation of a data file with all that its record gives the template: <c>messages</c> (<c>role</c>, <c>content</c>) or <c>conversations</c>
/// (<c>from</c>, <c>value</c>), <c>system</c>, <c>tools</c>, <c>documents</c> and <c>chat_template_kwargs</c>.</summary>
/// <param name="Variables">What the template sees beside the messages.</param>
/// <param name="Notes">What a user must know of how the record was read.</param>
internal sealed record ChatRecord(IReadOnlyList<ChatMessage> Messages, IReadOnlyDictionary<string, JsonNode?> Variables, IReadOnlyList<string> Notes)
{
    private static readonly string[] s_lists = ["messages", "conversations", "conversation"];

    private static readonly string[] s_switches = ["train", "training", "loss"];

    private static readonly Dictionary<string, string> s_roles = new(StringComparer.Ordinal)
    {
        ["human"] = "user",
        ["gpt"] = "assistant",
        ["model"] = "assistant",
        ["bot"] = "assistant",
        ["chatgpt"] = "assistant",
        ["observation"] = "tool",
    };

    /// <summary>The record holds a conversation.</summary>
    public static bool Is(JsonElement record) => ListOf(record) is not null || IsConversational(record);

    /// <summary>Prompt and completion are lists of messages, not texts.</summary>
    public static bool IsConversational(JsonElement record) =>
        record.TryGetProperty("prompt", out var prompt) && prompt.ValueKind == JsonValueKind.Array && prompt.GetArrayLength() > 0 && prompt[0].ValueKind == JsonValueKind.Object;

    /// <exception cref="InvalidDataException">A member is of the wrong kind: names it.</exception>
    public static ChatRecord Read(JsonElement record, string place)
    {
        var notes = new List<string>();
        List<ChatMessage> messages;
        if (ListOf(record) is { } name)
            messages = ReadList(record, name, place, notes);
        else
        {
            messages = [.. ReadList(record, "prompt", place, notes).Select(message => message with { IsTrained = false })];
            messages.AddRange(ReadList(record, "completion", place, notes));
        }
        if (record.TryGetProperty("system", out var system) && system.ValueKind == JsonValueKind.String && system.GetString() is { Length: > 0 } text)
        {
            if (messages[0].Role == "system")
                throw new InvalidDataException($"{place}: has a field system, and the messages begin with a system message");
            messages.Insert(0, new ChatMessage("system", text));
        }
        return new(messages, ReadVariables(record, place), notes);
    }

    /// <summary>Whether data take the loss off: <c>weight</c> 0 or a switch that is false.</summary>
    /// <returns>null where nothing is said.</returns>
    /// <exception cref="InvalidDataException">A weight that is neither 0 nor 1, or a switch that is neither true nor false.</exception>
    public static bool? Trained(JsonElement owner, string place)
    {
        bool? trained = null;
        if (owner.TryGetProperty("weight", out var weight) && weight.ValueKind != JsonValueKind.Null)
            trained = weight.ValueKind == JsonValueKind.Number && weight.GetDouble() is 0 or 1
                ? weight.GetDouble() == 1
                : throw new InvalidDataException($"{place}: weight is {weight.GetRawText()}, expected 0 or 1");
        foreach (var name in s_switches)
            if (owner.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null && !(name == "loss" && value.ValueKind == JsonValueKind.Number)) // a number is a figure
                trained = value.ValueKind is JsonValueKind.True or JsonValueKind.False
                    ? value.GetBoolean() && trained != false
                    : throw new InvalidDataException($"{place}: {name} is {value.GetRawText()}, expected true or false");
        return trained;
    }

    private static string? ListOf(JsonElement record) =>
        Array.Find(s_lists, name => record.TryGetProperty(name, out _));

    private static List<ChatMessage> ReadList(JsonElement record, string name, string place, List<string> notes)
    {
        if (!record.TryGetProperty(name, out var list))
            throw new InvalidDataException($"{place}: found no field {name}");
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
            throw new InvalidDataException($"{place}: {name} is not a list of at least one message");
        var messages = new List<ChatMessage>();
        foreach (var item in list.EnumerateArray())
            messages.Add(ReadMessage(item, $"{place}: {name}[{messages.Count}]", notes));
        return messages;
    }

    private static ChatMessage ReadMessage(JsonElement item, string place, List<string> notes)
    {
        if (item.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{place} is a JSON {item.ValueKind}, expected an object");
        var message = (JsonObject)TemplateJson.ToNode(item)!;
        if (!message.ContainsKey("role") && message.ContainsKey("from"))
            message = Renamed(message);
        if (message["role"] is JsonValue given && given.TryGetValue<string>(out var role))
        {
            if (role is "function_call")
                throw new InvalidDataException($"{place}: role function_call is not read, expected an assistant message with tool_calls");
            if (s_roles.TryGetValue(role, out var usual))
            {
                message["role"] = usual;
                notes.Add($"the role {role} is read as {usual}");
            }
        }
        if (message.ContainsKey("train_detail") || message.ContainsKey("training_detail"))
            throw new InvalidDataException($"{place}: a loss on parts of a message is not read");
        var trained = Trained(item, place);
        try
        {
            var read = ChatMessage.FromJson(message);
            if (trained == true && read.Role != "assistant")
                notes.Add($"a loss is asked for on a message of the role {read.Role}: only the assistant's have one");
            return read with { IsTrained = trained ?? true };
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{place}: {e.Message}", e);
        }
    }

    /// <summary>ShareGPT's names to the usual ones; other members stay.</summary>
    private static JsonObject Renamed(JsonObject message)
    {
        var renamed = new JsonObject();
        foreach (var (name, value) in message)
            renamed[name switch { "from" => "role", "value" => "content", _ => name }] = value?.DeepClone();
        return renamed;
    }

    private static Dictionary<string, JsonNode?> ReadVariables(JsonElement record, string place)
    {
        var variables = new Dictionary<string, JsonNode?>();
        if (record.TryGetProperty("chat_template_kwargs", out var more) && more.ValueKind != JsonValueKind.Null)
        {
            if (more.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{place}: chat_template_kwargs is a JSON {more.ValueKind}, expected an object");
            foreach (var member in more.EnumerateObject())
                variables[member.Name] = TemplateJson.ToNode(member.Value);
        }
        if (Items(record, "tools", place) is { } tools)
            variables["tools"] = tools;
        else if (Items(record, "functions", place) is { } functions) // OpenAI's older name for the same
            variables["tools"] = new JsonArray([.. functions.Select(f => new JsonObject { ["type"] = "function", ["function"] = f?.DeepClone() })]);
        if (Items(record, "documents", place) is { } documents)
            variables["documents"] = documents;
        return variables;
    }

    /// <summary>A list of objects; data sets also store it as a JSON text, or its items as such. null where the record has none.</summary>
    private static JsonArray? Items(JsonElement record, string name, string place)
    {
        if (!record.TryGetProperty(name, out var value))
            return null;
        var node = TemplateJson.ToNode(value);
        if (node is JsonValue text && text.TryGetValue<string>(out var json))
            node = json.AsSpan().Trim().IsEmpty ? null : Inner(json, $"{place}: {name}");
        if (node is null)
            return null;
        if (node is not JsonArray list)
            throw new InvalidDataException($"{place}: {name} is a JSON {node.GetValueKind()}, expected a list");
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is JsonValue item && item.TryGetValue<string>(out var inner))
                list[i] = Inner(inner, string.Create(CultureInfo.InvariantCulture, $"{place}: {name}[{i}]"));
            if (list[i] is not JsonObject)
                throw new InvalidDataException($"{place}: {name}[{i}] is a JSON {list[i]?.GetValueKind() ?? JsonValueKind.Null}, expected an object");
        }
        return list;
    }

    private static JsonNode? Inner(string json, string place)
    {
        using var document = JsonText.ParseInner(json, place);
        return TemplateJson.ToNode(document.RootElement);
    }
}
