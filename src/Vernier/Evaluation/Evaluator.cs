using Vernier.Evaluation.Tasks;
using Vernier.Tokens;

namespace Vernier.Evaluation;

/// <summary>Runs the evaluations that have a name: perplexities, multiple choice, generation.</summary>
/// <param name="contextLength">Tokens the model was made for.</param>
/// <param name="generate">Needed by generation tasks only.</param>
internal sealed class Evaluator(SequenceScorer scorer, ITokenizer tokenizer, int contextLength, TextGenerator? generate = null)
{
    private static readonly string[] Texts = ["wikitext2", "ptb", "ptb-new"];

    /// <summary>Every task that <see cref="Run"/> knows by name. Any other name must be a text file.</summary>
    public static IReadOnlyList<string> TaskNames { get; } = [.. Texts, .. ChoiceTasks.All.Select(t => t.Name), Mmlu.Name, NaturalInstructions.Name];

    /// <summary>Evaluates.</summary>
    /// <param name="progress">Told (done, in all): windows or documents.</param>
    /// <exception cref="ArgumentException">The options do not go together; says what is missing.</exception>
    /// <exception cref="InvalidDataException">The data is not what the task needs; names file and line.</exception>
    public EvaluationResult Run(EvaluationOptions options, Action<int, int>? progress = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionRules.Require(options.Task.Length > 0, $"no task, expected a text file, {OptionRules.AnyOf(TaskNames)}; training files are measured by {nameof(TrainingFileEvaluation)}");
        options.Checked();
        if (ChoiceTasks.All.FirstOrDefault(t => t.Name == options.Task) is { } task)
            return RunChoices(task, options, progress, stop);
        if (options.Task == Mmlu.Name)
            return RunMmlu(options, progress, stop);
        if (options.Task == NaturalInstructions.Name)
            return RunGeneration(options, progress, stop);

        var perplexity = new Perplexity(scorer, tokenizer, contextLength);
        if (Texts.Contains(options.Task))
            return perplexity.Measure(options.Task, Data(options), options, progress, stop);
        return perplexity.Measure(Path.GetFileName(options.Task), options.Task, options, progress, stop);
    }

    private ChoiceResult RunChoices(ChoiceTask task, EvaluationOptions options, Action<int, int>? progress, CancellationToken stop)
    {
        var shots = options.Shots ?? 0;
        var prefix = shots == 0
            ? ""
            : ChoiceEvaluation.Examples(task, options.ShotsData ?? throw new ArgumentException($"{shots} shots need shots-data, the file they come from"), shots);
        var documents = ChoiceEvaluation.Read(task, Data(options), options.Limit);
        var samples = new List<ChoiceSample>(documents.Count);
        foreach (var sample in new ChoiceEvaluation(scorer, tokenizer, contextLength).Run(task, documents, prefix))
        {
            stop.ThrowIfCancellationRequested();
            samples.Add(sample);
            progress?.Invoke(samples.Count, documents.Count);
        }
        return ChoiceEvaluation.Summarize(task, shots, samples, options.LogSamples);
    }

    private ChoiceResult RunMmlu(EvaluationOptions options, Action<int, int>? progress, CancellationToken stop)
    {
        var folder = Data(options);
        var tests = Path.Combine(folder, "test");
        if (!Directory.Exists(tests))
            throw new InvalidDataException($"{folder}: expected a folder with test/ and dev/, one .jsonl file a subject");
        var shots = options.Shots ?? Mmlu.UsualShots;
        var subjects = Directory.EnumerateFiles(tests, "*.jsonl").Order(StringComparer.Ordinal)
            .Select(path => (Name: Path.GetFileNameWithoutExtension(path), Documents: ChoiceEvaluation.Read(Mmlu.Task, path, options.Limit))).ToList();
        if (subjects.Count == 0)
            throw new InvalidDataException($"{tests}: no .jsonl file");

        var evaluation = new ChoiceEvaluation(scorer, tokenizer, contextLength);
        var total = subjects.Sum(s => s.Documents.Count);
        var samples = new List<ChoiceSample>(total);
        foreach (var (name, documents) in subjects)
        {
            var examples = shots == 0 ? "" : ChoiceEvaluation.Examples(Mmlu.Task, Path.Combine(folder, "dev", name + ".jsonl"), shots);
            foreach (var sample in evaluation.Run(Mmlu.Task, documents, Mmlu.Description(name) + examples))
            {
                stop.ThrowIfCancellationRequested();
                samples.Add(sample with { DocId = samples.Count, Subject = name });
                progress?.Invoke(samples.Count, total);
            }
        }
        return ChoiceEvaluation.Summarize(Mmlu.Task, shots, samples, options.LogSamples) with
        {
            AccStem = Category("stem"),
            AccHumanities = Category("humanities"),
            AccSocialSciences = Category("social_sciences"),
            AccOther = Category("other"),
            BySubject = samples.GroupBy(s => s.Subject!).ToDictionary(g => g.Key, g => new SubjectResult(Mmlu.Category(g.Key), g.Count(), g.Average(s => s.Acc))),
        };

        // every question weighs the same
        double? Category(string category) =>
            samples.Where(s => Mmlu.Category(s.Subject!) == category).ToList() is { Count: > 0 } own ? own.Average(s => s.Acc) : null;
    }

    private GenerationResult RunGeneration(EvaluationOptions options, Action<int, int>? progress, CancellationToken stop)
    {
        if (generate is null)
            throw new ArgumentException($"task {options.Task} needs a generator");
        if (options.Shots is > 0)
            throw new NotSupportedException($"task {options.Task} is zero-shot only");
        var instances = NaturalInstructions.Read(Data(options), options.Limit);
        var samples = new List<GenerationSample>(instances.Count);
        foreach (var sample in NaturalInstructions.Run(instances, prompt => generate(prompt, options.Chat, options.MaxTokens)))
        {
            stop.ThrowIfCancellationRequested();
            samples.Add(sample);
            progress?.Invoke(samples.Count, instances.Count);
        }
        return NaturalInstructions.Summarize(samples, options.LogSamples);
    }

    private static string Data(EvaluationOptions options) =>
        options.Data ?? throw new ArgumentException($"task {options.Task} needs data: the path of its file or folder");
}
