namespace Vernier.Evaluation;

/// <summary>Super-NaturalInstructions (Wang et al., EMNLP 2022), zero-shot: a definition and an input, answered by greedy generation.</summary>
internal static class NaturalInstructions
{
    public const string Name = "superni";

    /// <summary>One instance of a task file.</summary>
    /// <param name="TestIndex">Its place in the file's <c>test</c> list.</param>
    public readonly record struct Instance(string Task, int TestIndex, string Prompt, string[] References);

    /// <summary>The first instances of a task file, or of every task file of a folder in ordinal order.</summary>
    /// <param name="limit">Instances of a file at most; null = all.</param>
    public static List<Instance> Read(string path, int? limit)
    {
        string[] files = Directory.Exists(path) ? [.. Directory.EnumerateFiles(path, "*.json").Order(StringComparer.Ordinal)] : [path];
        var instances = new List<Instance>();
        foreach (var file in files)
        {
            var task = JsonRecord.Parse(TextFile.Read(file), file);
            var definition = PythonText.Strip(task.Text("definition"));
            var index = 0;
            foreach (var record in task.Objects("test").Take(limit ?? int.MaxValue))
            {
                var references = record.Texts("output");
                if (references.Length == 0)
                    throw new InvalidDataException($"{file}: test[{index}] has no output");
                var prompt = $"Definition: {definition}\n\nInput: {PythonText.Strip(record.Text("input"))}\nOutput:";
                instances.Add(new Instance(Path.GetFileNameWithoutExtension(file), index++, prompt, references));
            }
        }
        return instances.Count > 0 ? instances : throw new InvalidDataException($"{path}: no test instances");
    }

    /// <summary>Generates and judges the answers, in order.</summary>
    /// <param name="generate">The answer to a prompt, without the end token.</param>
    public static IEnumerable<GenerationSample> Run(IEnumerable<Instance> instances, Func<string, string> generate)
    {
        foreach (var instance in instances)
        {
            var answer = PythonText.Strip(generate(instance.Prompt));
            yield return new GenerationSample(instance.Task, instance.TestIndex, instance.Prompt, answer, instance.References)
            {
                ExactMatch = AnswerMetric.ExactMatch(answer, instance.References),
                Rouge1 = AnswerMetric.Rouge1(answer, instance.References),
                RougeL = AnswerMetric.RougeL(answer, instance.References),
            };
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
