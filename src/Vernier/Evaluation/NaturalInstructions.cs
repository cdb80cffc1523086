using Vernier.Data;

namespace Vernier.Evaluation;

/// <summary>Super-NaturalInstructions (Wang et al., EMNLP 2022), zero-shot: a definition and an input, answered by greedy generation.</summary>
internal static class NaturalInstructions
{
    public const string Name = "superni";

    /// <summary>One instance of a task file.</summary>
    /// <param name="TestIndex">Its number in the file's list of instances.</param>
    /// <param name="Place">File, list and number, for error messages.</param>
    public readonly record struct Instance(string Task, int TestIndex, string Prompt, string[] References, string Place);

    /// <summary>The first instances of a task file, or of every task file of a folder in ordinal order.</summary>
    /// <param name="limit">Instances of a file at most; null = all.</param>
    public static List<Instance> Read(string path, int? limit)
    {
        string[] files = Directory.Exists(path) ? [.. Directory.EnumerateFiles(path, "*.json").Order(StringComparer.Ordinal)] : [path];
        var instances = new List<Instance>();
        foreach (var file in files)
        {
            var task = NaturalInstructionsTask.Read(JsonRecord.ReadFile(file));
            var index = 0;
            foreach (var (input, references, place) in task.Instances("test", "Instances").Take(limit ?? int.MaxValue))
                instances.Add(new Instance(Path.GetFileNameWithoutExtension(file), index++, NaturalInstructionsTask.Prompt(task.Definition, input), references, place));
        }
        return instances.Count > 0 ? instances : throw new InvalidDataException($"{path}: no test instances");
    }

    /// <summary>Generates and judges the answers, in order.</summary>
    /// <param name="generate">The answer to a prompt, without the end token.</param>
    public static IEnumerable<GenerationSample> Run(IEnumerable<Instance> instances, Func<string, string> generate)
    {
        foreach (var instance in instances)
        {
            var answer = PythonText.Strip(Generate(instance));
            yield return new GenerationSample(instance.Task, instance.TestIndex, instance.Prompt, answer, instance.References)
            {
                ExactMatch = AnswerMetric.ExactMatch(answer, instance.References),
                Rouge1 = AnswerMetric.Rouge1(answer, instance.References),
                RougeL = AnswerMetric.RougeL(answer, instance.References),
            };
        }

        string Generate(Instance instance)
        {
            try
            {
                return generate(instance.Prompt);
            }
            catch (ArgumentException e)
            {
                throw new InvalidDataException($"{instance.Place}: {e.Message}", e);
            }
        }
    }

    public static GenerationResult Summarize(IReadOnlyList<GenerationSample> samples, bool keepSamples) => new(Name)
    {
        N = samples.Count,
        ExactMatch = 100 * samples.Average(s => s.ExactMatch),
        Rouge1 = 100 * samples.Average(s => s.Rouge1),
        RougeL = 100 * samples.Average(s => s.RougeL),
        Samples = keepSamples ? samples : null,
    };
}
