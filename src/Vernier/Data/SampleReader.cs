using System.Globalization;
using System.Text.Json;
using Vernier.Models;
using Vernier.Tokens;

namespace Vernier.Data;

/// <summary>One JSON object to one sample, by the fields it has.</summary>
internal sealed class SampleReader(string path, SampleEncoder encoder, RowBuilder rows, ModelConfig config)
{
    private const string Expected = "expected input_ids, messages or conversations, prompt and completion, instruction and output, or text";
    private const int ExampleWords = 8;
    private const int ExampleText = 256; // characters in which they stand

    /// <summary>Kinds of records, the first whose fields are all there is taken.</summary>
    private static readonly (string Name, Func<JsonElement, bool> Is)[] s_kinds =
    [
        ("input_ids", record => record.TryGetProperty("input_ids", out _)),
        ("messages", ChatRecord.Is),
        ("prompt and completion", record => record.TryGetProperty("prompt", out _) && !ChatRecord.IsConversational(record)),
        ("instruction and output", record => record.TryGetProperty("instruction", out _)),
        ("text", record => record.TryGetProperty("text", out _)),
    ];

    private readonly Dictionary<string, (string First, int Count)> _notes = [];

    /// <param name="place">For messages, e.g. <c>line 12</c>.</param>
    /// <exception cref="InvalidDataException">The object has none of the known sets of fields, or one is of the wrong kind.</exception>
    public void Read(JsonElement record, string place)
    {
        if (record.ValueKind != JsonValueKind.Object)
            throw Bad(place, $"found a JSON {record.ValueKind}, expected an object");
        var kinds = s_kinds.Where(kind => kind.Is(record)).Select(kind => kind.Name).ToList();
        if (kinds.Count == 0)
            throw Bad(place, $"found {(record.EnumerateObject().Any() ? "the fields " + string.Join(", ", record.EnumerateObject().Select(p => p.Name)) : "no field")}, {Expected}");
        if (kinds.Count > 1)
            Note($"besides {kinds[0]} there is {string.Join(" and ", kinds.Skip(1))}, which is not read", place);
        if (IsOff(record, place))
        {
            rows.LeaveOut(place);
            return;
        }
        switch (kinds[0])
        {
            case "input_ids":
                rows.AddRow(Tokenised(record, record.GetProperty("input_ids"), place));
                rows.AddForm(new PromptForm(PromptKind.Ids));
                break;
            case "messages":
                ReadChat(record, place);
                break;
            case "prompt and completion":
                ReadAnswer(Text(record, "prompt", place), Text(record, "completion", place), place);
                break;
            case "instruction and output":
                ReadAlpaca(record, place);
                break;
            default:
                ReadText(Text(record, "text", place), place);
                break;
        }
    }

    /// <summary>A task of Natural Instructions: the prompt of every instance of <c>train</c> (or <c>Instances</c>), the first accepted output as the answer.</summary>
    public void ReadTask(JsonRecord file)
    {
        var task = NaturalInstructionsTask.Read(file);
        foreach (var (input, outputs, place) in task.Instances("train", "Instances"))
        {
            rows.AddAnswer(encoder.Answer(path, NaturalInstructionsTask.Prompt(task.Definition, input), " " + outputs[0], place[(path.Length + 2)..]));
            rows.AddForm(new PromptForm(PromptKind.NaturalInstructions) { Definition = task.Definition, Example = PythonText.Strip(input) });
        }
    }

    /// <summary>Says once for a kind of record how it was read.</summary>
    public void Finish()
    {
        foreach (var (note, (first, count)) in _notes)
            rows.AddNote(string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "sample" : "samples")} ({first}{(count == 1 ? "" : ", ...")}): {note}"));
    }

    private void ReadChat(JsonElement record, string place)
    {
        var chat = ChatRecord.Read(record, $"{path}: {place}");
        foreach (var note in chat.Notes.Distinct())
            Note(note, place);
        rows.AddAnswer(encoder.Chat(path, chat, place));
        var system = chat.Messages[0].Role == "system" ? chat.Messages[0].Content : null;
        var asked = chat.Messages.FirstOrDefault(message => message.Role != "system") is { Role: "user" } user ? user.Content : null;
        rows.AddForm(new PromptForm(PromptKind.Chat) { SystemMessage = system, Example = asked });
    }

    private void ReadAnswer(string prompt, string completion, string place)
    {
        rows.AddAnswer(encoder.Answer(path, prompt, completion, place));
        rows.AddForm(new PromptForm(PromptKind.Completion) { Example = prompt });
    }

    private void ReadAlpaca(JsonElement record, string place)
    {
        var (instruction, input) = (Text(record, "instruction", place), Optional(record, "input", place));
        var prompt = AlpacaPrompt.Text(instruction, input);
        rows.AddAnswer(encoder.Answer(path, prompt, Text(record, "output", place), place));
        rows.AddForm(new PromptForm(PromptKind.Alpaca) { Example = input.Length == 0 ? instruction : prompt });
    }

    private void ReadText(string text, string place)
    {
        rows.AddDocument(encoder.Document(path, text, place));
        rows.AddForm(FormOf(text));
    }

    /// <summary>The form of a text that is no prompt: its first words are the example.</summary>
    public static PromptForm FormOf(string text) =>
        new(PromptKind.Text) { Example = string.Join(' ', PythonText.Split(text.Length > ExampleText ? text[..ExampleText] : text).Take(ExampleWords)) };

    /// <summary>The record takes its loss away. A record may have a weight for reasons of its own: one that is neither 0 nor 1 is only reported.</summary>
    private bool IsOff(JsonElement record, string place)
    {
        try
        {
            return ChatRecord.Trained(record, place) == false;
        }
        catch (InvalidDataException e)
        {
            Note($"{e.Message[(place.Length + 2)..]}, and is not used", place);
            return false;
        }
    }

    private void Note(string note, string place) => _notes[note] = _notes.TryGetValue(note, out var seen) ? seen with { Count = seen.Count + 1 } : (place, 1);

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
