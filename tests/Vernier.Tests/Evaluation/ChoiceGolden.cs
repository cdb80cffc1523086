using System.Text.Json;
using System.Text.RegularExpressions;
using Vernier.Evaluation;
using Vernier.Evaluation.Tasks;
using Vernier.TestSupport;

namespace Vernier.Tests.Evaluation;

/// <summary>One file of multiple-choice goldens: documents behind one prefix (mmlu: one such part for each subject).</summary>
internal sealed partial record ChoiceGolden(ChoiceTask Task, int Shots, IReadOnlyList<ChoiceGolden.Part> Parts, JsonElement Json)
{
    /// <summary>Documents of the golden, with those of the data file that they are about.</summary>
    public sealed record Part(string Prefix, string ExpectedPrefix, List<(ChoiceDocument Document, long Idx, string Place)> Documents, List<JsonElement> Expected);

    public static TheoryData<string> Rows { get; } = GoldenJson.Rows("lm_eval", "*shot.json");

    /// <param name="limit">Documents of a part at most.</param>
    public static ChoiceGolden Read(string file, int limit = int.MaxValue)
    {
        var name = Name().Match(file);
        var shots = int.Parse(name.Groups[2].Value);
        var json = GoldenJson.Read(GoldenJson.At("lm_eval", file));
        if (name.Groups[1].Value == Mmlu.Name)
            return new(Mmlu.Task, shots, [.. json.GetProperty("by_subject").EnumerateObject().Select(s => Subject(s.Name, s.Value, shots, limit))], json);

        var task = ChoiceTasks.All.Single(t => t.Name == name.Groups[1].Value);
        var folder = SharedFiles.At($"data/mc/{task.Name}");
        var data = Directory.EnumerateFiles(folder, "*.jsonl").Where(p => Path.GetFileName(p) != "train.jsonl");
        var examples = shots == 0 ? "" : ChoiceEvaluation.Examples(task, Path.Combine(folder, "train.jsonl"), shots);
        return new(task, shots, [Match(task, data, examples, json, limit)], json);
    }

    private static Part Subject(string subject, JsonElement json, int shots, int limit)
    {
        var folder = SharedFiles.At("data/mmlu");
        var prefix = Mmlu.Description(subject) + ChoiceEvaluation.Examples(Mmlu.Task, $"{folder}/dev/{subject}.jsonl", shots);
        return Match(Mmlu.Task, [$"{folder}/test/{subject}.jsonl"], prefix, json, limit);
    }

    private static Part Match(ChoiceTask task, IEnumerable<string> data, string prefix, JsonElement json, int limit)
    {
        var byIdx = data.SelectMany(path => ChoiceEvaluation.Read(task, path, null)).ToDictionary(d => d.Idx);
        var expected = json.GetProperty("docs").EnumerateArray().Take(limit).ToList();
        var documents = expected.Select(d => byIdx[d.GetProperty("idx").GetInt64()]).ToList();
        return new(prefix, json.TryGetProperty("fewshot_prefix", out var stored) ? stored.GetString()! : "", documents, expected);
    }

    [GeneratedRegex(@"^(.*)_(\d+)shot")]
    private static partial Regex Name();
}
