namespace Vernier.Evaluation;

/// <summary>What to evaluate a model on, and how. One declaration: command line, help and docs derive from it.</summary>
public sealed record EvaluationOptions
{
    /// <summary>A name of <see cref="Evaluator.TaskNames"/>, or a text file for its perplexity; empty = <see cref="Data"/> is a training file.</summary>
    [Option("task", "task name, or a text file for its perplexity; without it --data is a training file, measured as tune reads it")]
    public string Task { get; init; } = "";

    /// <summary>The task's data: a file; for mmlu a folder with test/ and dev/; for superni a file or a folder of task files. Without a task a training file:
    /// see <see cref="TrainingFileEvaluation"/>.</summary>
    [Option("data", "data of the task: a file, or a folder for mmlu and superni; without --task any file that tune takes: loss of its scored tokens")]
    public string? Data { get; init; }

    /// <summary>Solved examples in front of each document; null = the task's habit: 5 for mmlu, else 0.</summary>
    [Option("shots", "solved examples in front of each document, default 0 (mmlu: 5)", Range = "[0, 1000]")]
    public int? Shots { get; init; }

    /// <summary>Where the examples come from: the first <see cref="Shots"/> records. mmlu takes them from its dev/ folder.</summary>
    [Option("shots-data", "file whose first N records are the examples")]
    public string? ShotsData { get; init; }

    /// <summary>Documents at most (mmlu: of each subject; superni: of each task file); null = all.</summary>
    [Option("limit", "documents at most (mmlu and superni: of each subject or task)", Range = "[1, 2147483647]")]
    public int? Limit { get; init; }

    /// <summary>Puts every document with its scores into the result.</summary>
    [Option("log-samples", "add every document with its scores to the JSON")]
    public bool LogSamples { get; init; }

    /// <summary>How perplexity cuts a text into windows and which tokens it scores.</summary>
    [Option("convention", "perplexity: gptq, llamacpp, strided or lm-eval")]
    public PerplexityConvention Convention { get; init; } = PerplexityConvention.Gptq;

    /// <summary>Tokens of a window; null = 2048 (llamacpp: 512, strided: 1024), or the model's context where that is shorter.</summary>
    [Option("context", "perplexity: tokens of a window, default 2048 (llamacpp 512, strided 1024); training file: tokens of a row, default 512", Range = "[2, 16777216]")]
    public int? Context { get; init; }

    /// <summary>Windows at most (lm-eval: documents); null = the whole text.</summary>
    [Option("windows", "perplexity: windows at most (lm-eval: documents)", Range = "[1, 2147483647]")]
    public int? Windows { get; init; }

    /// <summary>Generation tasks: tokens at most.</summary>
    [Option("max-tokens", "generation tasks: new tokens at most", Range = "[1, 16777216]")]
    public int MaxTokens { get; init; } = 64;

    /// <summary>Generation tasks: the prompt is a user message of the model's chat template.</summary>
    [Option("chat", "generation tasks: prompt through the model's chat template")]
    public bool Chat { get; init; }

    /// <summary>Training file: the prompt has a loss too.</summary>
    [Option("train-on-prompt", "training file: loss on the prompt too, not on the answer only")]
    public bool TrainOnPrompt { get; init; }

    /// <summary>Training file: rows of a pass. It changes the time, not the figure.</summary>
    [Option("batch", "training file: rows of a pass", Range = "[1, 65536]")]
    public int Batch { get; init; } = 2;

    /// <summary>Refuses values that make no sense, alone or together.</summary>
    /// <param name="dash">What stands in front of an option's name in messages: <c>--</c> on the command line.</param>
    /// <exception cref="ArgumentException">One does not; names the option, the value, and what was expected.</exception>
    /// <exception cref="FileNotFoundException">The task is the path of a file that is not there.</exception>
    public EvaluationOptions Checked(string dash = "")
    {
        OptionRules.Check(this, dash);
        if (Task.Length == 0)
            return CheckedForTrainingFile(dash);
        OptionRules.Require(TrainingFileOptions().All(o => !o.Given), $"{dash}{TrainingFileOptions().FirstOrDefault(o => o.Given).Name} is for training files, which are measured without {dash}task");
        var named = Evaluator.TaskNames.Contains(Task);
        if (!named && !File.Exists(Task))
            throw Task.AsSpan().ContainsAny('/', '\\', '.')
                ? new FileNotFoundException($"{Task}: no such file or folder", Task)
                : new ArgumentException($"{dash}task is '{Task}', expected a text file, {OptionRules.AnyOf(Evaluator.TaskNames)}{Suggestion.Hint(Task, Evaluator.TaskNames)}");
        OptionRules.Require(named || !TrainingFileEvaluation.HoldsRecords(Task), $"{dash}task {Task} holds records, not one text: {dash}data {Task} without {dash}task measures it as tune reads it (prompt, answer, mask); rename it to .txt for the perplexity of its characters");
        OptionRules.Require(!named || Data is not null, $"{dash}task {Task} needs {dash}data, the path of its file or folder");
        OptionRules.Require(Shots is null or 0 || ShotsData is not null || Task is "mmlu" or "superni" || !named, $"{dash}shots {Shots} needs {dash}shots-data, the file that they come from");
        return this;
    }

    private EvaluationOptions CheckedForTrainingFile(string dash)
    {
        OptionRules.Require(Data is not null, $"{dash}task or {dash}data is required: a task is a text file, {OptionRules.AnyOf(Evaluator.TaskNames)}; data alone are a training file, measured as tune reads it");
        OptionRules.Require(TaskOptions().All(o => !o.Given), $"{dash}{TaskOptions().FirstOrDefault(o => o.Given).Name} is for tasks, and there is no {dash}task: {dash}data alone are a training file, measured as tune reads it");
        return File.Exists(Data) ? this : throw (Directory.Exists(Data)
            ? new ArgumentException($"{dash}data {Data} is a folder, expected a file")
            : new FileNotFoundException($"{Data}: no such file or folder", Data));
    }

    private (string Name, bool Given)[] TrainingFileOptions() => [("train-on-prompt", TrainOnPrompt), ("batch", Batch != new EvaluationOptions().Batch)];

    private (string Name, bool Given)[] TaskOptions() =>
    [
        ("shots", Shots is not null), ("shots-data", ShotsData is not null), ("limit", Limit is not null), ("windows", Windows is not null), ("log-samples", LogSamples),
        ("chat", Chat), ("convention", Convention != new EvaluationOptions().Convention), ("max-tokens", MaxTokens != new EvaluationOptions().MaxTokens),
    ];
}
