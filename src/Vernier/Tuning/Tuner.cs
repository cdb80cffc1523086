using Vernier.Adapters;
using Vernier.Cards;
using Vernier.Data;
using Vernier.Files.Disk;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>A tuning run from its options to the folder it leaves: <c>config.yaml</c>, <c>log.jsonl</c>, <c>loss.svg</c>, <c>README.md</c>, <c>result.json</c>,
/// <c>adapter_config.json</c>, <c>adapter_model.safetensors</c> and <c>checkpoint-N/</c>.</summary>
public sealed class Tuner
{
    private const double WorseBy = 1e-4; // nats a token that count as worse

    private readonly LoadedModel? _model;
    private readonly Decoder _decoder;
    private readonly Compute _compute;
    private readonly string _modelPath;
    private readonly Func<string?> _codesSha256;
    private readonly TuneOptions _options;
    private readonly TrainingData _data;
    private readonly TrainingData? _evalData;
    private readonly string _output;
    private readonly string? _license;
    private readonly List<string> _warnings = [];

    /// <param name="model">Becomes the tuned model in the run.</param>
    /// <param name="options">What is null is filled in: see <see cref="Options"/>.</param>
    /// <param name="evalData">Taken for the validation loss before, while and after; null = none is taken.</param>
    /// <param name="output">The folder that the run writes.</param>
    /// <exception cref="ArgumentException">An option's value makes no sense, or two exclude each other.</exception>
    /// <exception cref="NotSupportedException">What would be trained cannot be written back into the model's file: says what can.</exception>
    public Tuner(LoadedModel model, TuneOptions options, TrainingData data, TrainingData? evalData, string output)
        : this(model.Decoder, model.Compute, model.Source.Path, () => model.CodesSha256(model.Compute.Pool.Cancellation), options, data, evalData, output)
    {
        _model = model;
        WriteBack.Require(model, _options);
        _license = ModelLicense.Of(model.Source);
        model.ReleaseTokenizer(); // the data are ids by now
    }

    /// <param name="codesSha256">Hash of the codes that the decoder holds now; null where none are quantized.</param>
    internal Tuner(Decoder decoder, Compute compute, string modelPath, Func<string?> codesSha256, TuneOptions options, TrainingData data, TrainingData? evalData, string output)
    {
        _decoder = decoder;
        _compute = compute;
        _modelPath = modelPath;
        _codesSha256 = codesSha256;
        _options = ResolvedOptions.Of(options, decoder.Config, data, validated: evalData is not null);
        _data = data;
        _evalData = evalData;
        _output = output;
        _warnings.AddRange(data.Notes);
        _warnings.AddRange(evalData?.Notes ?? []);
    }

    /// <summary>The options with all values resolved.</summary>
    public TuneOptions Options => _options;

    /// <summary>Told while the validation loss is taken: batches done, of how many.</summary>
    public Action<int, int>? Evaluating { get; init; }

    /// <summary>Checks, before a model is loaded, what <see cref="Run"/> will ask of its folder.</summary>
    /// <inheritdoc cref="Run"/>
    public static void RequireFolder(string output, bool resume, bool replace) => RunFolder.Open(output, resume, replace).Dispose();

    /// <summary>Whether a folder holds a run that has ended, with its adapter.</summary>
    public static bool HoldsFinishedRun(string output) => RunFolder.HoldsFinishedRun(output);

    /// <summary>Puts the method into the model's base and trains it: what earlier tuning or an adapter left in the model is taken away first, as by
    /// <see cref="LoadedModel.Reset"/>. The model stays tuned, with the method's linears in place.</summary>
    /// <param name="resume">Go on from the last checkpoint in the output folder; from the start where there is none yet.</param>
    /// <param name="progress">Called after every step.</param>
    /// <param name="cancel">Ends the run within the step that is under way, with a checkpoint of the steps before it: what is computed of an unfinished step is dropped.
    /// A validation loss that is under way is taken again when the run goes on. The result says that the run is not finished.</param>
    /// <param name="replace">A run that is in the folder may be replaced.</param>
    /// <exception cref="InvalidDataException">The checkpoint belongs to another run, or it or the log is damaged.</exception>
    /// <exception cref="InvalidOperationException">Another caller tunes the model, a task switch is in use, or it is called from inside the model's own work.</exception>
    /// <exception cref="IOException">The folder holds a run and neither <paramref name="resume"/> nor <paramref name="replace"/> was asked for, another run is writing
    /// it, it holds things that no run wrote under the names of a run, or it cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before the first step.</exception>
    /// <exception cref="NotFiniteNumberException">The run diverged. The adapter in the folder is the last good state.</exception>
    public TuneResult Run(bool resume = false, Action<TuneProgress>? progress = null, CancellationToken cancel = default, bool replace = false)
    {
        using var work = new WorkLease(_decoder, _compute, cancel, "is being tuned", changes: true);
        using var folder = RunFolder.Open(_output, resume, replace);
        var last = resume ? Checkpoint.Latest(_output, _warnings) : null;
        if (last is { } whole)
            TuneLog.RequireWhole(_output, whole.Folder, whole.State);
        if (!resume)
            Checkpoint.RemoveAll(_output);
        _model?.ToBase();
        var baseCodes = _codesSha256();
        var identity = RunIdentity.Of(_options, RunIdentity.HashModel(_decoder), _data, _compute);
        if (resume && last is { } found)
            RunIdentity.RequireSame(found.Folder, found.State.Identity, identity);
        var method = TuningMethods.Of(_options);
        var start = resume && last is { } before ? before.State : null;
        var brought = start is null ? method.Rounds(_options) ? Evaluate() : null : start.BroughtEval;
        method.Apply(_decoder, _options, _compute);
        _compute.Seed = _options.Seed;
        var run = new Progress(method, identity, baseCodes, _codesSha256()) { BroughtEval = brought };
        using var loop = new TrainingLoop(_decoder, _compute, new BatchOrder(_data, _options.Batch, _options.Accumulate, _options.Shuffle ? _options.Seed : null), _options, method);
        loop.Touch();
        MemoryPlan.ReleaseGarbage();
        _decoder.KeptBlocks = MemoryPlan.KeptBlocks(_decoder.Config, MostTokens(), _options.MemoryLimit, loop.TrainableParameters);
        using var best = _options.Keep == KeptState.Best || _options.Patience is not null ? new BestValues(loop.Optimizer.Parameters) : null;
        Begin(loop, run, best, resume ? last : null);
        new RunFile { Model = _modelPath, Data = _data.Source, EvalData = _evalData?.Source, Output = _output, Options = _options }.Save(Path.Combine(_output, RunFolder.ConfigFile));
        using (var log = new TuneLog(_output, run.Step == 0 ? 0 : last!.Value.State.LogBytes))
            Train(loop, log, run, best, progress, cancel);
        if (run.Step == 0)
            cancel.ThrowIfCancellationRequested();
        return Finish(loop, run, best, cancel);
    }

    /// <summary>Goes to where a checkpoint was, or takes the validation loss of the start.</summary>
    private void Begin(TrainingLoop loop, Progress run, BestValues? best, (string Folder, CheckpointState State)? from)
    {
        if (from is var (folder, start))
        {
            Checkpoint.Load(folder, loop.Optimizer, start, best);
            loop.ParametersChanged();
            (run.Step, run.StartEval, run.Unlogged) = (start.Step, start.InitialEval, start.Unlogged);
        }
        else if ((run.StartEval = Evaluate()) is { } loss)
        {
            best?.Offer(0, loss);
        }
    }

    /// <summary>State of a run that is under way.</summary>
    private sealed class Progress(TuningMethod method, SortedDictionary<string, string> identity, string? baseCodes, string? tunedCodes)
    {
        public TuningMethod Method => method;
        public SortedDictionary<string, string> Identity => identity;
        public string? BaseCodes => baseCodes;
        public string? TunedCodes => tunedCodes;
        public int Step { get; set; }

        /// <summary>The last step, until its line is written.</summary>
        public UnloggedStep? Unlogged { get; set; }

        /// <summary>null where there was nothing quantized.</summary>
        public bool? CodesEqual(string? now) => method.KeepsCodes ? tunedCodes is null ? null : now == tunedCodes : baseCodes is null ? null : false;

        /// <summary>Validation loss of the model as it was brought, where the method rounds its weights before the first step.</summary>
        public double? BroughtEval { get; init; }

        /// <summary>Validation loss before the first step.</summary>
        public double? StartEval { get; set; }

        /// <summary>What the result is held against: of a method that trains codes the model that was brought, else the start.</summary>
        public double? InitialEval => method.KeepsCodes ? StartEval : BroughtEval ?? StartEval;

        /// <summary>--patience ended the run.</summary>
        public bool StoppedEarly { get; set; }
    }

    private void Train(TrainingLoop loop, TuneLog log, Progress run, BestValues? best, Action<TuneProgress>? progress, CancellationToken cancel)
    {
        var steps = _options.Steps!.Value;
        var schedule = LearningRateSchedule.Create(_options.Schedule, steps, _options.Warmup);
        var stop = Math.Min(steps, _options.StopAfter ?? steps);
        var saved = run.Step;
        var every = _options.CheckpointEvery ?? Math.Max(10, steps / 10);
        try
        {
            while ((run.Step < stop || run.Unlogged is not null) && !cancel.IsCancellationRequested && !(run.StoppedEarly = best?.State?.Since >= _options.Patience))
            {
                if (run.Unlogged is null)
                {
                    var factor = schedule.Factor(run.Step);
                    var figures = loop.Step(run.Step, _options.LearningRate!.Value * factor, (_options.ScaleLearningRate ?? _options.LearningRate.Value) * factor);
                    run.Step++;
                    run.Unlogged = new(figures.Loss, figures.GradientNorm, figures.LearningRate, figures.Tokens, figures.Seconds, ResidentMemory.Current,
                        KeptBlocks, _decoder.Config.Layers - KeptBlocks, [.. run.Method.TakeFigures().Select(f => new UnloggedFigure(f.Name, f.Value))]);
                }
                var at = run.Unlogged.With(run.Step, steps, run.Step == steps || run.Step % (_options.EvalEvery ?? int.MaxValue) == 0 ? Evaluate() : null);
                run.Unlogged = null;
                log.Write(at);
                if (at.EvalLoss is { } loss)
                    best?.Offer(run.Step, loss);
                progress?.Invoke(at);
                if (run.Step % every == 0)
                    Save(loop, log, run, best, saved = run.Step);
            }
        }
        catch (NotFiniteNumberException e)
        {
            throw Diverged(loop, run, e);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The step, or its validation loss, is taken again when the run goes on.
        }
        if (saved != run.Step || run.StoppedEarly)
            Save(loop, log, run, best, run.Step);
    }

    private void Save(TrainingLoop loop, TuneLog log, Progress run, BestValues? best, int step)
    {
        log.FlushToDisk();
        Checkpoint.Save(_output, loop.Optimizer, new CheckpointState(step, _options.Steps!.Value, log.Length, run.StartEval, run.Identity, run.Unlogged) { BroughtEval = run.BroughtEval, Best = best?.State, StoppedEarly = run.StoppedEarly }, best);
    }

    /// <summary>The values before the update that led astray become the adapter; where no copy of them was kept, the last checkpoint is what stays.</summary>
    private NotFiniteNumberException Diverged(TrainingLoop loop, Progress run, NotFiniteNumberException cause)
    {
        Checkpoint.Remove(_output, run.Step); // its state is the one that does not compute
        var kept = "the checkpoints in the folder stay as they are";
        if (loop.CanGoBack)
        {
            if (run.Step > 0)
                loop.GoBack();
            Adapter.Of(run.Method, _decoder, _options, _modelPath, run.BaseCodes, run.TunedCodes, _data.Prompt).Save(_output);
            kept = $"the adapter in {_output} is the state before it, after step {Math.Max(0, run.Step - 1)}";
        }
        return new NotFiniteNumberException($"{cause.Message}; the run stops, {kept}", cause.OffendingNumber, cause);
    }

    private TuneResult Finish(TrainingLoop loop, Progress run, BestValues? best, CancellationToken cancel)
    {
        var kept = _options.Keep == KeptState.Best && best?.State is { } lowest && lowest.Step != run.Step ? lowest : null;
        if (kept is not null)
        {
            best!.Restore();
            loop.ParametersChanged();
        }
        Adapter.Of(run.Method, _decoder, _options, _modelPath, run.BaseCodes, run.TunedCodes, _data.Prompt).Save(_output);
        var log = TuneLog.Read(_output, _options.Steps!.Value);
        if (log.Count > 0)
            WriteChart(log, run.StartEval);
        var last = run.Unlogged?.With(run.Step, _options.Steps!.Value, null) ?? log[^1];
        var (finalEval, codes) = Measure(kept?.Loss ?? last.EvalLoss, cancel);
        WarnOfWorse(run, finalEval, kept);
        var result = Result(loop, run, last, finalEval, cancel.IsCancellationRequested ? null : run.CodesEqual(codes), kept?.Step ?? run.Step);
        // the folder is made to be shared
        var shared = result with { Warnings = [.. _warnings.Select(w => PublicPath.Named(w, _data.Source, _evalData?.Source, _modelPath, _output))] };
        OutputFile.WriteAllText(Path.Combine(_output, RunFolder.CardFile), ModelCard.Markdown(_modelPath, _output, _options, _data, _evalData, shared, _license));
        OutputFile.WriteAllText(Path.Combine(_output, RunFolder.ResultFile), RunResultFile.Text(shared));
        return result;
    }

    private TuneResult Result(TrainingLoop loop, Progress run, TuneProgress last, double? finalEval, bool? codesEqual, int keptStep)
    {
        var resident = ResidentMemory.Current;
        if (_options.MemoryLimit is { } limit && resident > limit)
            _warnings.Add(FormattableString.Invariant($"the run took {resident / 1e6:F0} MB, more than the memory limit of {limit / 1e6:F0} MB. Smaller batches, shorter rows or other methods take less."));
        return new TuneResult
        {
            Step = run.Step,
            Steps = _options.Steps!.Value,
            Loss = last.Loss,
            GradientNorm = last.GradientNorm,
            LearningRate = last.LearningRate,
            Tokens = last.Tokens,
            Seconds = last.Seconds,
            ResidentMegabytes = resident / 1e6,
            PeakResidentMegabytes = ResidentMemory.Peak / 1e6,
            InitialEval = run.InitialEval,
            BroughtEval = run.BroughtEval,
            StartEval = run.BroughtEval is null ? null : run.StartEval,
            FinalEval = finalEval,
            CodesEqual = codesEqual,
            CodesSha256 = run.Method.KeepsCodes ? run.TunedCodes : null,
            TrainableParameters = loop.TrainableParameters,
            KeptBlocks = KeptBlocks,
            RecomputedBlocks = _decoder.Config.Layers - KeptBlocks,
            KeptStep = keptStep,
            StoppedEarly = run.StoppedEarly,
            Finished = run.StoppedEarly || (run.Step == _options.Steps && run.Unlogged is null),
            Warnings = _warnings,
        };
    }

    private void WarnOfWorse(Progress run, double? finalEval, BestState? kept)
    {
        if (kept is { Step: 0 })
            _warnings.Add("no validation loss was lower than the one before the first step: the adapter leaves the start as it was. Lower the learning rate, or use more data.");
        if (!(finalEval > run.InitialEval + WorseBy))
            return;
        var start = run.BroughtEval is not null && run.InitialEval == run.BroughtEval ? FormattableString.Invariant($" as the model was brought, {run.StartEval:F4} after it was rounded anew and before the first step") : " before";
        _warnings.Add(FormattableString.Invariant($"TUNING MADE THE MODEL WORSE on {_evalData!.Source}: validation loss {run.InitialEval:F4}{start}, {finalEval:F4} after. Lower the learning rate, train longer, or use more data."));
    }

    /// <summary>What takes long at the end of a run; nothing where it was interrupted.</summary>
    /// <param name="known">The validation loss, where it was taken already.</param>
    private (double? Eval, string? Codes) Measure(double? known, CancellationToken cancel)
    {
        try
        {
            cancel.ThrowIfCancellationRequested();
            return (known ?? Evaluate(), _codesSha256());
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return (known, null);
        }
    }

    private void WriteChart(List<TuneProgress> log, double? startEval)
    {
        var evals = log.Where(at => at.EvalLoss is not null).Select(at => (at.Step, at.EvalLoss!.Value)).ToList();
        if (startEval is { } start)
            evals.Insert(0, (0, start));
        OutputFile.WriteAllText(Path.Combine(_output, RunFolder.ChartFile), LossChart.Svg($"{_options.Method} on {Path.GetFileName(_data.Source)}", [.. log.Select(at => at.Loss)], evals));
    }

    // The last block's activations are still there when the backward pass begins.
    private int KeptBlocks => _decoder.KeptBlocks + 1;

    /// <summary>Tokens that a micro-batch can have at most.</summary>
    private int MostTokens() => checked(_options.Batch * Enumerable.Range(0, _data.Rows).Max(_data.RowTokens));

    /// <summary>Mean negative log-likelihood over all scored tokens of the validation data; null without.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    private double? Evaluate() => _evalData is null ? null : DataLoss.Of(_decoder, _compute, _evalData, _options.Batch, Evaluating);
}
