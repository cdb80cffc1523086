using System.Text.Json;

namespace Vernier.Data;

/// <summary>A task file of Super-NaturalInstructions (Wang et al., EMNLP 2022): a definition, and instances of an input with its accepted outputs.
/// Tuning and evaluation ask by the same prompt.</summary>
/// <param name="Definition">Stripped.</param>
internal sealed record NaturalInstructionsTask(string Definition, JsonRecord File)
{
    private static readonly string[] Definitions = ["definition", "Definition"];

    /// <summary>The object is such a task, and not a record of other data.</summary>
    public static bool Is(JsonElement file) =>
        file.ValueKind == JsonValueKind.Object && Definitions.Any(name => file.TryGetProperty(name, out _))
        && ((string[])["train", "test", "Instances"]).Any(name => file.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array);

    /// <exception cref="InvalidDataException">There is no definition: path and field.</exception>
    public static NaturalInstructionsTask Read(JsonRecord file)
    {
        var name = Array.Find(Definitions, file.Has) ?? Definitions[0];
        // the published files have a list of one text
        var definition = file.Has(name) && file.Json.GetProperty(name).ValueKind == JsonValueKind.Array && file.Texts(name) is [var first, ..] ? first : file.Text(name);
        return new(PythonText.Strip(definition), file);
    }

    /// <summary>What stands in front of the answer.</summary>
    public static string Prompt(string definition, string input) => $"Definition: {definition}\n\nInput: {PythonText.Strip(input)}\nOutput:";

    /// <summary>The instances of one list.</summary>
    /// <param name="lists">Names of the list, the first one that is there is taken.</param>
    /// <exception cref="InvalidDataException">A field is missing or of the wrong kind: path and place.</exception>
    public IEnumerable<(string Input, string[] Outputs, string Place)> Instances(params string[] lists)
    {
        foreach (var record in File.Objects(Array.Find(lists, File.Has) ?? lists[0]))
        {
            var outputs = record.Has("output") && record.Json.GetProperty("output").ValueKind == JsonValueKind.String ? [record.Text("output")] : record.Texts("output");
            if (outputs.Length == 0)
                throw new InvalidDataException($"{record.Place}: has no output");
            yield return (record.Text("input"), outputs, record.Place);
        }
    }
}
