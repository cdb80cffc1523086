using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Models;
using Vernier.Tokens;

namespace Vernier.Data;

/// <summary>One JSON object to one sample, by the fields it has.</summary>
internal sealed class SampleReader(string path, SampleEncoder encoder, RowBuilder rows, ModelConfig config)
{
    private const string Expected = "expected input_ids, messages, prompt and completion, instruction and output, or text";

    /// <param name="place">For messages, e.g. <c>line 12</c>.</param>
    /// <exception cref="InvalidDataException">The object has none of the known sets of fields, or one is of the wrong kind.</exception>
    public void Read(JsonElement record, string place)
    {
        if (record.ValueKind != JsonValueKind.Object)
            throw Bad(place, $"found a JSON {record.ValueKind}, expected an object");
        if (record.TryGetProperty("input_ids", out var ids))
            rows.AddRow(Tokenised(record, ids, place));
        else if (record.TryGetProperty("messages", out var messages))
            rows.AddAnswer(encoder.Chat(path, Messages(messages, place), place));
        else if (record.TryGetProperty("prompt", out _))
            rows.AddAnswer(encoder.Answer(path, Text(record, "prompt", place), Text(record, "completion", place), place));
        else if (record.TryGetProperty("instruction", out _))
            rows.AddAnswer(encoder.Answer(path, AlpacaPrompt.Text(Text(record, "instruction", place), Optional(record, "input", place)), Text(record, "output", place), place));
        else if (record.TryGetProperty("text", out _))
            rows.AddDocument(encoder.Document(path, Text(record, "text", place), place));
        else
            throw Bad(place, $"found {(record.EnumerateObject().Any() ? "the fields " + string.Join(", ", record.EnumerateObject().Select(p => p.Name)) : "no field")}, {Expected}");
    }

    /// <summary>A task of Natural Instructions: the prompt of every instance of <c>train</c> (or <c>Instances</c>), the first accepted output as the answer.</summary>
    public void ReadTask(JsonRecord file)
    {
        var task = NaturalInstructionsTask.Read(file);
        foreach (var (input, outputs, place) in task.Instances("train", "Instances"))
            rows.AddAnswer(encoder.Answer(path, NaturalInstructionsTask.Prompt(task.Definition, input), " " + outputs[0], place[(path.Length + 2)..]));
    }

    private List<ChatMessage> Messages(JsonElement field, string place)
    {
        if (field.ValueKind != JsonValueKind.Array || field.GetArrayLength() == 0)
            throw Bad(place, "messages is not a list of at least one message");
        var messages = new List<ChatMessage>();
        foreach (var message in field.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object)
                throw Bad(place, $"messages[{messages.Count}] is a JSON {message.ValueKind}, expected an object");
            try
            {
                messages.Add(ChatMessage.FromJson(JsonObject.Create(message)!));
            }
            catch (InvalidDataException e)
            {
                throw Bad(place, $"messages[{messages.Count}]: {e.Message}");
            }
        }
        return messages;
    }

    private Sample Tokenised(JsonElement record, JsonElement idsField, string place)
    {
        var ids = Integers(idsField, "input_ids", place);
        if (ids.Length > config.ContextLength)
            throw Bad(place, $"input_ids has {ids.Length} ids, the model takes at most {config.ContextLength}");
        var labels = record.TryGetProperty("labels", out var l) ? Integers(l, "labels", place) : (int[])ids.Clone();
        if (labels.Length != ids.Length)
            throw Bad(place, $"found {labels.Length} labels for {ids.Length} input_ids, expected one an id");
        if (record.TryGetProperty("attention_mask", out var m))
        {
            var mask = Integers(m, "attention_mask", place);
            if (mask.Length != ids.Length)
                throw Bad(place, $"found {mask.Length} values in attention_mask for {ids.Length} input_ids, expected one an id");
            var first = System.Array.IndexOf(mask, 1);
            var last = System.Array.LastIndexOf(mask, 1);
            if (first < 0 || mask.AsSpan(first, last - first + 1).ContainsAnyExcept(1))
                throw Bad(place, "attention_mask masks ids in the middle, expected padding at the ends only (0 outside, 1 inside)");
            (ids, labels) = (ids[first..(last + 1)], labels[first..(last + 1)]);
        }
        if (ids.Length < 2)
            throw Bad(place, $"input_ids has {ids.Length} ids, expected at least 2");
        return new(ids, labels, place);
    }

    private int[] Integers(JsonElement field, string name, string place)
    {
        if (field.ValueKind != JsonValueKind.Array)
            throw Bad(place, $"{name} is a JSON {field.ValueKind}, expected a list of integers");
        var values = new int[field.GetArrayLength()];
        var at = 0;
        foreach (var item in field.EnumerateArray())
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt32(out values[at++]))
                throw Bad(place, $"{name}[{at}] is {item.GetRawText()}, expected an integer");
        return values;
    }

    private string Text(JsonElement record, string field, string place)
    {
        if (!record.TryGetProperty(field, out var value))
            throw Bad(place, $"found no field {field}");
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Bad(place, $"{field} is a JSON {value.ValueKind}, expected a text");
    }

    private string Optional(JsonElement record, string field, string place) =>
        !record.TryGetProperty(field, out var value) || value.ValueKind == JsonValueKind.Null ? "" : Text(record, field, place);

    private InvalidDataException Bad(string place, string what) => new($"{path}: {place}: {what}");
}
