using System.Diagnostics;
using Vernier.Data;
using Vernier.Evaluation;
using Vernier.Generation;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Quantization;
using Vernier.Tokens;
using Vernier.Tuning;
using Vernier.Tuning.Methods;

namespace Vernier.Demo;

/// <summary>The whole way without any file to start from: generates text, makes a tokenizer and a tiny model from it, quantizes the model,
/// tunes two tasks by their scales alone, and switches between them.</summary>
public sealed class DemoRun : IDisposable
{
    private const string FullPrecision = "full precision";
    private const int EndOfText = 0; // the trainer's first token
    private static readonly (string Name, Func<int, int, string> Text)[] Kinds = [("stories", DemoText.Stories), ("backwards", DemoText.Backwards), ("facts", DemoText.Facts)];

    private readonly DemoOptions _options;
    private readonly string _output;
    private readonly Action<string> _say;
    private readonly BytePairTokenizer _tokenizer;
    private readonly LanguageModel _model;
    private readonly int[][] _heldOut;

    /// <param name="output">Folder for the runs: <c>base</c> and one a task.</param>
    /// <param name="say">Told in a line what happens.</param>
    public DemoRun(DemoOptions options, string output, Action<string> say)
    {
        (_options, _output, _say) = (options, output, say);
        var stories = DemoText.Stories(options.StoryLines, options.Seed);
        _tokenizer = BytePairTrainer.Train(stories, options.VocabularySize);
        _heldOut = [.. Kinds.Select(kind => _tokenizer.Encode(kind.Text(options.HeldOutLines, options.Seed + 1000)))];
        _model = LanguageModel.CreateRandom(Config(options, _tokenizer.VocabularySize), options.Seed,
            new LoadedTokenizer(_tokenizer, null, [EndOfText]), new LoadOptions { Threads = options.Threads });
    }

    /// <summary>Does everything.</summary>
    public DemoResult Run(CancellationToken stop = default)
    {
        var started = Stopwatch.GetTimestamp();
        TrainFromScratch(stop);
        var rows = new List<DemoRow> { Measure(FullPrecision) };
        var matrices = Quantize();
        var codes = _model.CodesSha256()!;
        var rounded = matrices.Select(m => m.Scales).ToArray();
        rows.Add(Measure($"rounded to {_options.Bits} bits"));

        var states = new List<GroupScales[]> { rounded };
        var tasks = new List<DemoTask>();
        foreach (var (name, text) in Kinds[1..])
        {
            var (task, scales) = Tune(name, text, matrices, rounded, stop);
            rows.Add(Measure(name));
            states.Add(scales);
            tasks.Add(task);
        }
        var exact = SwitchThrough(matrices, states, rows, tasks);
        return new DemoResult
        {
            Parameters = _model.ParameterCount,
            FullBytes = _model.ParameterCount * sizeof(float),
            Bits = _options.Bits,
            Rows = rows,
            Tasks = tasks,
            CodesSha256 = codes,
            CodesEqual = _model.CodesSha256() == codes,
            SwitchingIsExact = exact,
            LossChart = Path.Combine(_output, "base", "loss.svg"),
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
        };
    }

    public void Dispose() => _model.Dispose();

    private void TrainFromScratch(CancellationToken stop)
    {
        _say($"training a model from scratch: {_options.Steps} steps of {_options.Batch * _options.Context} tokens");
        var options = new TuneOptions
        {
            Method = "full",
            Scope = TuneScope.All,
            Steps = _options.Steps,
            LearningRate = 4e-3f,
            Batch = _options.Batch,
            Context = _options.Context,
            Seed = _options.Seed,
        };
        Train("base", DemoText.Stories(_options.StoryLines, _options.Seed), options, stop);
        new FullMethod().Merge(_model.Decoder, _model.Compute);
    }

    /// <summary>Rounds the linears of the blocks to the nearest code.</summary>
    private PackedMatrix[] Quantize()
    {
        _say($"rounding its weights to {_options.Bits} bits, in groups of {_options.Group}");
        _model.Decoder.ReplaceLinears(linear =>
        {
            var packed = RoundToNearest.Quantize(linear.Weight, _options.Bits, _options.Group);
            linear.Weight.Dispose();
            return new FrozenLinear(linear.Name, packed, linear.Bias);
        });
        return [.. _model.Decoder.Linears.Select(l => (PackedMatrix)l.Weight)];
    }

    /// <summary>Tunes the scales on one task, from the rounded ones. The task's scales stay in the model.</summary>
    private (DemoTask Task, GroupScales[] Scales) Tune(string name, Func<int, int, string> text, PackedMatrix[] matrices, GroupScales[] rounded, CancellationToken stop)
    {
        _say($"tuning the task '{name}': {_options.TaskSteps} steps, scales only");
        Use(matrices, rounded);
        var options = new TuneOptions
        {
            Method = "peqa",
            Granularity = Granularity.Group,
            Steps = _options.TaskSteps,
            LearningRate = 3e-2f,
            Batch = _options.Batch,
            Context = _options.Context,
            Seed = _options.Seed,
        };
        var result = Train(name, text(_options.TaskLines, _options.Seed + 1), options, stop);
        new PeqaMethod().Merge(_model.Decoder, _model.Compute);
        var folder = Path.Combine(_output, name);
        var bytes = new FileInfo(Path.Combine(folder, "adapter_model.safetensors")).Length;
        return (new DemoTask(name, folder, bytes, result.TrainableParameters, 0), [.. matrices.Select(m => m.Scales)]);
    }

    private TuneResult Train(string folder, string text, TuneOptions options, CancellationToken stop)
    {
        var data = TrainingData.FromText(text, folder, _tokenizer, options, _model.Config);
        var tuner = new Tuner(_model, options, data, null, Path.Combine(_output, folder));
        var result = tuner.Run(cancel: stop);
        stop.ThrowIfCancellationRequested();
        return result;
    }

    /// <summary>Puts every state into the model once more, in turn, and measures again.</summary>
    private bool SwitchThrough(PackedMatrix[] matrices, List<GroupScales[]> states, List<DemoRow> rows, List<DemoTask> tasks)
    {
        _say("switching between the tasks, and back to the rounded model");
        var exact = true;
        for (var turn = states.Count; turn > 0; turn--)
        {
            var state = turn % states.Count; // the tasks, then the rounded model
            var started = Stopwatch.GetTimestamp();
            Use(matrices, states[state]);
            var elapsed = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
            if (state > 0)
                tasks[state - 1] = tasks[state - 1] with { SwitchMicroseconds = elapsed };
            exact &= Measure(rows[state + 1].Model) == rows[state + 1];
        }
        return exact;
    }

    private static void Use(PackedMatrix[] matrices, GroupScales[] scales)
    {
        for (var i = 0; i < matrices.Length; i++)
            matrices[i].Scales = scales[i];
    }

    private DemoRow Measure(string model)
    {
        using var scorer = new DecoderScorer(_model.Decoder, _model.Compute);
        var perplexity = new Perplexity(scorer, _tokenizer, _options.Context);
        var values = _heldOut.Select(ids => perplexity.Measure(model, ids, PerplexityConvention.Gptq, _options.Context, null).Perplexity).ToArray();
        return new DemoRow(model, values[0], values[1], values[2], Sample());
    }

    /// <summary>One line, greedily.</summary>
    private string Sample()
    {
        using var generator = new TokenGenerator(_model);
        var options = new GenerationOptions { MaxTokens = _options.Context, StopTexts = ["\n"] };
        return string.Concat(generator.Generate(_tokenizer.Encode("\n"), options).Select(token => token.Text));
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
