using System.Runtime.CompilerServices;
using Vernier.Models;
using Vernier.Tokens;

namespace Vernier.Generation;

/// <summary>Generates tokens after a prompt, one by one, with a key/value cache. What the cache already holds of a prompt
/// (the turns of a chat so far) is not computed again, unless the model was tuned, reset or given an adapter meanwhile.</summary>
/// <remarks>Any number of generators may be used on one model, in turns or by several threads at once: each token waits for its turn. One generator serves one text at a time;
/// a second caller gets <see cref="InvalidOperationException"/>. <see cref="Dispose"/> waits for the token that is being computed.</remarks>
public sealed class TokenGenerator : IDisposable
{
    private readonly LoadedModel _model;
    private readonly KvCache _cache;
    private readonly float[] _logits;
    private readonly List<int> _held = [];
    private readonly Lock _gate = new();
    private int _version; // of the decoder, when the cache was filled
    private int _text; // the one that is being written
    private bool _disposed;

    /// <param name="capacity">Tokens of prompt and reply together; 0 = the model's context length.</param>
    public TokenGenerator(LoadedModel model, int capacity = 0)
    {
        _model = model;
        _cache = new KvCache(model.Config, capacity == 0 ? model.Config.ContextLength : capacity, half: model.Compute.Mode == ComputeMode.Int8);
        _logits = new float[model.Config.VocabularySize];
    }

    /// <summary>The new tokens, as they are made. The last one says why generation ended; an end token is given with empty text.</summary>
    /// <param name="prompt">At least one id.</param>
    /// <param name="cancel">Ends it, within the prompt too.</param>
    /// <exception cref="ArgumentException">The prompt is empty, does not fit the context or has an id outside the vocabulary; or stop texts without a tokenizer.</exception>
    /// <exception cref="InvalidOperationException">The generator is in use by another caller, or another text was begun on it; or another caller tunes the model.</exception>
    /// <exception cref="ObjectDisposedException">The generator or the model is disposed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<GeneratedToken> Generate(IReadOnlyList<int> prompt, GenerationOptions? options = null, CancellationToken cancel = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        options = OptionRules.Check(options ?? new GenerationOptions());
        if (prompt.Count == 0)
            throw new ArgumentException("generation needs at least one token to follow", nameof(prompt));
        if (prompt.Count > _cache.Capacity)
            throw new ArgumentException($"the prompt has {prompt.Count} tokens and the context {_cache.Capacity}", nameof(prompt));
        // A model whose tokenizer cannot be read still generates from ids.
        var tokenizer = _model.LoadedTokenizer?.Tokenizer;
        if (options.StopTexts.Count > 0 && tokenizer is null)
            throw new ArgumentException("stop texts need a model with a tokenizer", nameof(options));
        return Run([.. prompt], options, tokenizer, new Sampler(options.Sampling), cancel);
    }

    /// <summary>The same without blocking the caller's thread: every token is computed on a thread of the pool.</summary>
    /// <inheritdoc cref="Generate"/>
    public async IAsyncEnumerable<GeneratedToken> GenerateAsync(
        IReadOnlyList<int> prompt, GenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        using var tokens = Generate(prompt, options, cancellation).GetEnumerator();
        while (await Task.Run(tokens.MoveNext, cancellation).ConfigureAwait(false))
            yield return tokens.Current;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _cache.Dispose();
        }
    }

    private IEnumerable<GeneratedToken> Run(int[] prompt, GenerationOptions options, ITokenizer? tokenizer, Sampler sampler, CancellationToken cancel)
    {
        var stopIds = options.StopIds ?? _model.EndIds;
        var text = tokenizer is null ? null : new StreamingDecoder(tokenizer, continues: true);
        var scanner = new StopTextScanner(options.StopTexts);
        sampler.Observe(prompt);
        var number = Prefill(prompt, cancel);
        for (var made = 1; ; made++)
        {
            var id = sampler.Next(_logits);
            if (stopIds.Contains(id))
            {
                yield return new GeneratedToken(id, Rest(), StopReason.EndToken);
                yield break;
            }
            var shown = scanner.Add(text?.Add(id) ?? "", out var stopped);
            StopReason? ends = stopped ? StopReason.StopText
                : made == options.MaxTokens ? StopReason.MaxTokens
                : _cache.Length == _cache.Capacity ? StopReason.Context : null;
            if (ends is not null)
            {
                yield return new GeneratedToken(id, stopped ? shown : shown + Rest(), ends);
                yield break;
            }
            yield return new GeneratedToken(id, shown, null);
            Append([id], number, cancel);
        }

        string Rest() => scanner.Add(text?.Finish() ?? "", out _) + scanner.Finish();
    }

    /// <summary>Computes what the cache does not hold yet; at least the last token, whose logits are needed.</summary>
    /// <returns>The number of this text.</returns>
    private int Prefill(int[] prompt, CancellationToken cancel)
    {
        Enter();
        try
        {
            using var work = new WorkLease(_model.Decoder, _model.Compute, cancel);
            var common = 0;
            // where rotary angles depend on the length of a text, keys of one are not those of another
            var sameAngles = _model.Config.RopeFormula is not { VariesWithLength: true } rope || Math.Max(_held.Count, prompt.Length) <= rope.OriginalContext;
            while (sameAngles && _version == _model.Decoder.Version && common < _held.Count && common < prompt.Length - 1 && _held[common] == prompt[common])
                common++;
            _cache.Truncate(common);
            _held.RemoveRange(common, _held.Count - common);
            _version = _model.Decoder.Version;
            var number = ++_text;
            Append(prompt.AsSpan(common));
            return number;
        }
        finally
        {
            _gate.Exit();
        }
    }

    private void Append(ReadOnlySpan<int> ids, int number, CancellationToken cancel)
    {
        Enter();
        try
        {
            if (number != _text)
                throw new InvalidOperationException("another text was begun on this generator: one generator writes one text at a time");
            using var work = new WorkLease(_model.Decoder, _model.Compute, cancel);
            Append(ids);
        }
        finally
        {
            _gate.Exit();
        }
    }

    private void Append(ReadOnlySpan<int> ids)
    {
        _model.Decoder.Forward(_model.Compute, ids, _cache, _logits);
        foreach (var id in ids)
            _held.Add(id);
    }

    private void Enter()
    {
        if (!_gate.TryEnter())
            throw new InvalidOperationException("this generator is in use by another caller: make one for each");
        if (!_disposed)
            return;
        _gate.Exit();
        throw new ObjectDisposedException(nameof(TokenGenerator));
    }
}
