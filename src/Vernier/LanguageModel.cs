using System.Runtime.CompilerServices;
using Vernier.Adapters;
using Vernier.Data;
using Vernier.Evaluation;
using Vernier.Export;
using Vernier.Generation;
using Vernier.Models;
using Vernier.Tokens;
using Vernier.Tuning;

namespace Vernier;

/// <summary>A language model, and what most programs do with it, each in one call. The types behind these calls (<see cref="Tuner"/>, <see cref="TokenGenerator"/>,
/// <see cref="GgufExport"/>) offer more.</summary>
/// <example><code>
/// using var model = LanguageModel.Load("model.gguf");
/// </code></example>
public sealed class LanguageModel : LoadedModel
{
    private LanguageModel(ModelParts parts, Compute compute)
        : base(parts, compute)
    {
    }

    /// <summary>Loads a .gguf file, or a folder with config.json and safetensors files.</summary>
    /// <exception cref="ArgumentException">An option's value makes no sense.</exception>
    /// <exception cref="FileNotFoundException">There is neither.</exception>
    /// <exception cref="InvalidDataException">The content is damaged or does not fit together: says where, what was found and what was expected.</exception>
    /// <exception cref="NotSupportedException">The content is valid but not done here.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing stays open.</exception>
    public static LanguageModel Load(string path, LoadOptions? options = null, CancellationToken cancel = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options = OptionRules.Check(options ?? new LoadOptions());
        return new LanguageModel(ModelLoader.Load(path, options.Progress, cancel), new Compute(options.Threads, options.Mode));
    }

    /// <summary>A model with random weights, to be trained from scratch.</summary>
    /// <param name="seed">Same seed, same weights.</param>
    /// <param name="tokenizer">Text to ids and back, or null.</param>
    public static LanguageModel CreateRandom(ModelConfig config, int seed, LoadedTokenizer? tokenizer = null, LoadOptions? options = null)
    {
        options = OptionRules.Check(options ?? new LoadOptions());
        var decoder = new Decoder(config.Checked("configuration"), new RandomWeights(config, seed));
        return new LanguageModel(new ModelParts(decoder, new ModelSource("", SourceKind.Memory, []), () => tokenizer), new Compute(options.Threads, options.Mode));
    }

    /// <summary>Tunes the base of the model on a data file: what an earlier <see cref="Tune"/> or <see cref="Apply"/> left is taken away first. The model stays tuned, and the adapter
    /// in the folder makes the same of the base.</summary>
    /// <param name="data">Text or JSON Lines, see <see cref="TrainingData"/>.</param>
    /// <param name="options">The defaults tune the scales of a quantized model on its own codes; Steps or Epochs must be set.</param>
    /// <param name="folder">The run's folder: adapter, log, loss curve, card, checkpoints.</param>
    /// <param name="progress">Called after every step.</param>
    /// <param name="cancel">Ends the run within the step that is under way, with a checkpoint of the steps before it; the result says that it is not finished.</param>
    /// <param name="resume">Goes on from the last checkpoint in the folder; from the start where there is none yet.</param>
    /// <exception cref="ArgumentException">An option's value makes no sense.</exception>
    /// <exception cref="InvalidDataException">The data file cannot be read: path, line, and what was expected.</exception>
    /// <exception cref="IOException">The folder holds an unfinished run, or cannot be written.</exception>
    /// <exception cref="NotFiniteNumberException">The run diverged; the adapter in the folder is the last good state.</exception>
    /// <exception cref="InvalidOperationException">Another caller tunes the model.</exception>
    public TuneResult Tune(string data, TuneOptions options, string folder, Action<TuneProgress>? progress = null, CancellationToken cancel = default, bool resume = false) =>
        new Tuner(this, options, TrainingData.Load(data, this, options.Rows, cancel), null, folder).Run(resume, progress, cancel);

    /// <summary><see cref="Tune"/> on a thread of its own.</summary>
    /// <param name="progress">Told after every step.</param>
    /// <exception cref="OperationCanceledException">Cancelled. The steps that were done are in a checkpoint, unless it was before the first: call again with <paramref name="resume"/>.</exception>
    /// <inheritdoc cref="Tune"/>
    public Task<TuneResult> TuneAsync(string data, TuneOptions options, string folder, IProgress<TuneProgress>? progress = null, CancellationToken cancel = default, bool resume = false) =>
        Task.Factory.StartNew(() =>
        {
            var result = Tune(data, options, folder, progress is null ? null : progress.Report, cancel, resume);
            if (!result.Finished)
                cancel.ThrowIfCancellationRequested();
            return result;
        }, cancel, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    /// <summary>Puts a tuned adapter on the base of the model, in place of what an earlier <see cref="Apply"/> or <see cref="Tune"/> left.</summary>
    /// <param name="folder">The folder of a tuning run.</param>
    /// <exception cref="InvalidDataException">The adapter is damaged, or belongs to another base (both hashes are named).</exception>
    /// <exception cref="InvalidOperationException">Another caller tunes the model, or a <see cref="TaskSwitch"/> is in use.</exception>
    public void Apply(string folder) => Adapter.Load(folder).ApplyTo(this);

    /// <summary>What the model writes after a prompt.</summary>
    /// <param name="prompt">Text; special tokens written in it are parsed, and BOS is put in front where the model wants it.</param>
    /// <param name="maxTokens">New tokens at most.</param>
    /// <param name="sampling">null = greedy.</param>
    /// <param name="cancel">Ends it, within the prompt too.</param>
    /// <returns>The new text, without the prompt.</returns>
    /// <exception cref="ArgumentException">The prompt is empty and the model has no BOS token, or it does not fit the context.</exception>
    /// <exception cref="InvalidDataException">The model has no tokenizer.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public string Generate(string prompt, int maxTokens = 256, SamplingOptions? sampling = null, CancellationToken cancel = default)
    {
        using var generator = new TokenGenerator(this);
        var options = new GenerationOptions { MaxTokens = maxTokens, Sampling = sampling ?? new SamplingOptions() };
        return string.Concat(generator.Generate(EncodePrompt(prompt), options, cancel).Select(token => token.Text));
    }

    /// <summary>What the model writes after a prompt, token by token as they are made, each computed on a thread of the pool. To stop listening frees what it holds.</summary>
    /// <param name="cancel">Ends it, within the prompt too.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <inheritdoc cref="Generate"/>
    public async IAsyncEnumerable<GeneratedToken> GenerateAsync(string prompt, int maxTokens = 256, SamplingOptions? sampling = null, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        using var generator = new TokenGenerator(this);
        var options = new GenerationOptions { MaxTokens = maxTokens, Sampling = sampling ?? new SamplingOptions() };
        await foreach (var token in generator.GenerateAsync(EncodePrompt(prompt), options, cancel).ConfigureAwait(false))
            yield return token;
    }

    /// <summary>The ids that a prompt is fed as: with BOS in front where the model wants it; an empty prompt is BOS alone.</summary>
    /// <exception cref="ArgumentException">The prompt is empty and the model has no BOS token.</exception>
    /// <exception cref="InvalidDataException">The model has no tokenizer.</exception>
    public int[] EncodePrompt(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        var tokenizer = Tokenizer ?? throw new InvalidDataException($"{Source.Path}: the model has no tokenizer; give token ids");
        var ids = tokenizer.Encode(prompt);
        if (tokenizer.BosId is { } bos && (ids.Length == 0 || tokenizer.AddsBos && ids[0] != bos))
            return [bos, .. ids];
        return ids.Length > 0 ? ids : throw new ArgumentException("the prompt is empty and the model has no BOS token", nameof(prompt));
    }

    /// <summary>Measures the model: perplexity of a text, multiple choice, generation, or the loss on a training file.</summary>
    /// <param name="options">Task and data; without a task the data is a training file, read as <see cref="Tune"/> reads it.</param>
    /// <param name="progress">Told (done, in all): windows, documents or rows.</param>
    /// <exception cref="ArgumentException">The options do not go together; says what is missing.</exception>
    /// <exception cref="InvalidDataException">The model has no tokenizer, or the data is not what the task needs: file and line.</exception>
    /// <exception cref="NotFiniteNumberException">The model does not compute on the data.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public EvaluationResult Evaluate(EvaluationOptions options, Action<int, int>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Task.Length == 0)
            return TrainingFileEvaluation.Run(this, options, progress, cancel);
        var tokenizer = (TokenizerProblem is { } problem ? throw problem : Tokenizer) ?? throw new InvalidDataException($"{Source.Path}: the model has no tokenizer; give token ids");
        using var scorer = new DecoderScorer(Decoder, Compute, cancel: cancel);
        return new Evaluator(scorer, tokenizer, Config.ContextLength, Answers.Greedy(this, cancel)).Run(options, progress, cancel);
    }

    /// <summary>Log-probabilities of token sequences, in order; results come while later requests are still being read.</summary>
    /// <exception cref="ArgumentException">A request scores from its first token, or holds an id outside the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<SequenceScore> Score(IEnumerable<ScoringRequest> requests, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        using var scorer = new DecoderScorer(Decoder, Compute, cancel: cancel);
        foreach (var score in scorer.Score(requests))
            yield return score;
    }

    /// <summary>Writes the model as it is now as one GGUF file: what was quantized keeps its integer codes, only scales differ.</summary>
    /// <exception cref="NotSupportedException">No GGUF format can hold it; says which can.</exception>
    /// <exception cref="IOException">The disk is full or fails.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; an older file of that name stays.</exception>
    public ExportResult ExportGguf(string path, CancellationToken cancel = default) => GgufExport.Write(this, path, cancel: cancel);
}
