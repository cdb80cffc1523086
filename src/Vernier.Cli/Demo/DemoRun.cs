using System.Diagnostics;
using Vernier.Data;
using Vernier.Evaluation;
using Vernier.Export;
using Vernier.Files.Disk;
using Vernier.Generation;
using Vernier.Inspection;
using Vernier.Models;
using Vernier.Quantization;
using Vernier.Tokens;
using Vernier.Tuning;

namespace Vernier.Cli.Demo;

/// <summary>The whole way without any file to start from: generates text, makes a tokenizer and a tiny model from it, quantizes the model,
/// tunes two tasks by their scales alone, switches between them, exports them as GGUF files and loads these again.</summary>
internal sealed class DemoRun : IDisposable
{
    private const string FullPrecision = "full precision";
    private const int EndOfText = 0; // the trainer's first token
    private const double ShortRunBeta2 = 0.95; // a run of some hundred steps cannot wait for the usual thousand-step average
    private static readonly (string Name, Func<int, int, string> Text)[] Kinds = [("stories", DemoText.Stories), ("backwards", DemoText.Backwards), ("facts", DemoText.Facts)];

    private readonly DemoOptions _options;
    private readonly string _output;
    private readonly Action<string> _say;
    private readonly BytePairTokenizer _tokenizer;
    private readonly LanguageModel _model;
    private readonly string[] _heldOut;
    private readonly List<(string Name, double[] Losses)> _curves = [];
    private readonly List<Linear[]> _tasks = [];

    /// <param name="output">Folder for the runs (<c>base</c> and one a task), the exported files and <c>loss.svg</c>.</param>
    /// <param name="say">Told in a line what happens.</param>
    public DemoRun(DemoOptions options, string output, Action<string> say)
    {
        (_options, _output, _say) = (options, output, say);
        var stories = DemoText.Stories(options.StoryLines, options.Seed);
        _tokenizer = BytePairTrainer.Train(stories, options.VocabularySize);
        _heldOut = [.. Kinds.Select(kind => kind.Text(options.HeldOutLines, options.Seed + 1000))];
        _model = LanguageModel.CreateRandom(Config(options, _tokenizer.VocabularySize), options.Seed,
            new LoadedTokenizer(_tokenizer, null, [EndOfText]), new LoadOptions { Threads = options.Threads });
    }

    /// <summary>Does everything.</summary>
    public DemoResult Run(CancellationToken stop = default)
    {
        var started = Stopwatch.GetTimestamp();
        TrainFromScratch(stop);
        var rows = new List<DemoRow> { Measure(_model, FullPrecision) };
        Quantize();
        var codes = _model.CodesSha256()!;
        rows.Add(Measure(_model, $"rounded to {_options.Bits} bits"));

        var states = new List<Linear[]> { _model.Decoder.Linears.ToArray() };
        var tasks = new List<DemoTask>();
        foreach (var (name, text) in Kinds[1..])
        {
            var task = Tune(name, text, stop);
            rows.Add(Measure(_model, name));
            states.Add(KeepTask());
            tasks.Add(task);
        }
        var exact = SwitchThrough(states, rows, tasks);
        var exports = Export(states, rows, stop);
        return new DemoResult
        {
            Parameters = _model.ParameterCount,
            FullBytes = _model.ParameterCount * sizeof(float),
            Bits = _options.Bits,
            Group = _options.Group,
            Rows = rows,
            Exports = exports,
            Tasks = tasks,
            CodesSha256 = codes,
            CodesEqual = _model.CodesSha256() == codes && exports.All(e => e.CodesEqual),
            SwitchingIsExact = exact,
            LossChart = WriteChart(),
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _model.Dispose();
        foreach (var linear in _tasks.SelectMany(t => t))
        {
            linear.Weight.IsKept = false;
            linear.Weight.Dispose();
        }
    }

    private TuneOptions ShortRun => new() { Beta2 = ShortRunBeta2, Batch = _options.Batch, Context = _options.Context, Seed = _options.Seed };

    private void TrainFromScratch(CancellationToken stop)
    {
        _say($"training a model from scratch: {_options.Steps} steps of {_options.Batch * _options.Context} tokens");
        var options = ShortRun with
        {
            Method = "full",
            Scope = TuneScope.All,
            Steps = _options.Steps,
            LearningRate = 1.5e-2f,
        };
        Train("base", DemoText.Stories(_options.StoryLines, _options.Seed), options, stop);
        TuningMethods.Of(options).Merge(_model.Decoder);
        _model.MakeBase();
    }

    /// <summary>Rounds the linears of the blocks to the nearest code.</summary>
    private void Quantize()
    {
        _say($"rounding its weights to {_options.Bits} bits, {(_options.Group == 0 ? "one scale a row" : $"one scale for {_options.Group} columns")}");
        _model.Decoder.ReplaceLinears(linear =>
        {
            var packed = RoundToNearest.Quantize(linear.Weight, _options.Bits, _options.Group);
            linear.Weight.Dispose();
            return new FrozenLinear(linear.Name, packed, linear.Bias);
        });
        _model.MakeBase(); // the tasks are tuned from here
    }

    /// <summary>Tunes the scales on one task, from the rounded ones. The task's scales stay in the model.</summary>
    private DemoTask Tune(string name, Func<int, int, string> text, CancellationToken stop)
    {
        _say($"tuning the task '{name}': {_options.TaskSteps} steps, scales only");
        var options = ShortRun with
        {
            Method = "peqa",
            Granularity = _options.Group == 0 ? Granularity.Channel : Granularity.Group, // by rows it fits the exported file too, whose blocks repeat a row's scale
            Steps = _options.TaskSteps,
            LearningRate = 2e-2f,
        };
        var result = Train(name, text(_options.TaskLines, _options.Seed + 1), options, stop);
        TuningMethods.Of(options).Merge(_model.Decoder);
        var folder = Path.Combine(_output, name);
        var bytes = new FileInfo(Path.Combine(folder, "adapter_model.safetensors")).Length;
        return new DemoTask(name, folder, bytes, result.TrainableParameters, 0);
    }

    /// <summary>The linears of the task in use, which stay when the model goes back to its base.</summary>
    private Linear[] KeepTask()
    {
        Linear[] linears = [.. _model.Decoder.Linears];
        foreach (var linear in linears)
            linear.Weight.IsKept = true;
        _tasks.Add(linears);
        return linears;
    }

    private TuneResult Train(string folder, string text, TuneOptions options, CancellationToken stop)
    {
        var data = TrainingData.FromText(text, folder, _tokenizer, options.Rows, _model.Config);
        var output = Path.Combine(_output, folder);
        var losses = new List<double>();
        var result = new Tuner(_model, options, data, null, output).Run(progress: at => losses.Add(at.Loss), cancel: stop, replace: true); // of an earlier demonstration
        stop.ThrowIfCancellationRequested();
        _curves.Add((folder, [.. losses]));
        return result;
    }

    /// <summary>Puts every state into the model once more, in turn, and measures again.</summary>
    private bool SwitchThrough(List<Linear[]> states, List<DemoRow> rows, List<DemoTask> tasks)
    {
        _say("switching between the tasks, and back to the rounded model");
        var exact = true;
        for (var turn = states.Count; turn > 0; turn--)
        {
            var state = turn % states.Count; // the tasks, then the rounded model
            var started = Stopwatch.GetTimestamp();
            _model.Decoder.UseLinears(states[state]);
            var elapsed = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
            if (state > 0)
                tasks[state - 1] = tasks[state - 1] with { SwitchMicroseconds = elapsed };
            exact &= Measure(_model, rows[state + 1].Model) == rows[state + 1];
        }
        return exact;
    }

    /// <summary>Writes a GGUF file for the rounded model and for each task, loads each again and measures and compares what was loaded.</summary>
    private List<DemoExport> Export(List<Linear[]> states, List<DemoRow> rows, CancellationToken stop)
    {
        _say("exporting GGUF files, loading them again and comparing their codes");
        var exports = new List<DemoExport>();
        foreach (var (state, linears) in states.Index())
        {
            _model.Decoder.UseLinears(linears);
            var written = GgufExport.Write(_model, Path.Combine(_output, (state == 0 ? "rounded" : rows[state + 1].Model) + ".gguf"), cancel: stop);
            using var first = LanguageModel.Load(state == 0 ? written.Path : exports[0].Path, new LoadOptions { Threads = 1 });
            using var loaded = LanguageModel.Load(written.Path, new LoadOptions { Threads = _options.Threads });
            var compared = CodeComparison.Of(first, loaded);
            exports.Add(new DemoExport(written.Path, written.Bytes, written.TensorFormats, compared.CodesEqual == true && loaded.CodesSha256() == _model.CodesSha256(),
                compared.ScalesChanged, compared.ScalesTotal, Measure(loaded, rows[state + 1].Model)));
        }
        return exports;
    }

    private string WriteChart()
    {
        var path = Path.Combine(_output, "loss.svg");
        var parts = new List<(int, string)>();
        var steps = 0;
        foreach (var (name, losses) in _curves)
        {
            parts.Add((steps, name == "base" ? "from scratch" : $"{name}"));
            steps += losses.Length;
        }
        OutputFile.WriteAllText(path, LossChart.Svg("vernier demo: a model from scratch, then two tasks", [.. _curves.SelectMany(c => c.Losses)], [], parts));
        return path;
    }

    private DemoRow Measure(LanguageModel model, string name)
    {
        using var scorer = new DecoderScorer(model.Decoder, model.Compute);
        var tokenizer = model.Tokenizer!;
        var perplexity = new Perplexity(scorer, tokenizer, _options.Context);
        var values = _heldOut.Select(text => perplexity.Measure(name, tokenizer.Encode(text), PerplexityConvention.Gptq, _options.Context, null).Perplexity).ToArray();
        return new DemoRow(name, values[0], values[1], values[2], Sample(model));
    }

    /// <summary>One line, greedily.</summary>
    private string Sample(LanguageModel model)
    {
        using var generator = new TokenGenerator(model);
        var options = new GenerationOptions { MaxTokens = _options.Context, StopTexts = ["\n"] };
        return string.Concat(generator.Generate(model.Tokenizer!.Encode("\n"), options).Select(token => token.Text));
    }

    private static ModelConfig Config(DemoOptions options, int vocabulary) => new()
    {
        Architecture = "llama",
        HiddenSize = options.HiddenSize,
        Layers = options.Layers,
        Heads = options.Heads,
        KvHeads = options.Heads,
        HeadDim = options.HiddenSize / options.Heads,
        RotaryDim = options.HiddenSize / options.Heads,
        FeedForwardSize = options.FeedForwardSize,
        VocabularySize = vocabulary,
        ContextLength = options.Context,
        AttentionScale = 1 / MathF.Sqrt(options.HiddenSize / options.Heads),
        TiedHead = true,
        BosTokenId = EndOfText,
        EosTokenIds = [EndOfText],
    };
}
