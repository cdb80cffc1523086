using System.Runtime.CompilerServices;
using Vernier.Models;
using Vernier.Tokens;
using Vernier.Tuning;

namespace Vernier.Generation;

/// <summary>Generates tokens after a prompt, one by one, with a key/value cache. What the cache already holds of a prompt
/// (the turns of a chat so far) is not computed again.</summary>
public sealed class TokenGenerator : IDisposable
{
    private readonly LanguageModel _model;
    private readonly KvCache _cache;
    private readonly float[] _logits;
    private readonly List<int> _held = [];

    /// <param name="capacity">Tokens of prompt and reply together; 0 = the model's context length.</param>
    public TokenGenerator(LanguageModel model, int capacity = 0)
    {
        _model = model;
        _cache = new KvCache(model.Config, capacity == 0 ? model.Config.ContextLength : capacity, half: model.Compute.Mode == ComputeMode.Int8);
        _logits = new float[model.Config.VocabularySize];
    }

    /// <summary>The new tokens, as they are made. The last one says why generation ended; an end token is given with empty text.</summary>
    /// <param name="prompt">At least one id.</param>
    /// <exception cref="ArgumentException">The prompt is empty, does not fit the context or has an id outside the vocabulary; or stop texts without a tokenizer.</exception>
    public IEnumerable<GeneratedToken> Generate(IReadOnlyList<int> prompt, GenerationOptions? options = null)
    {
        options = OptionRules.Check(options ?? new GenerationOptions());
        if (prompt.Count == 0)
            throw new ArgumentException("generation needs at least one token to follow", nameof(prompt));
        if (prompt.Count > _cache.Capacity)
            throw new ArgumentException($"the prompt has {prompt.Count} tokens and the context {_cache.Capacity}", nameof(prompt));
        // A model whose tokenizer cannot be read still generates from ids.
        var tokenizer = _model.LoadedTokenizer?.Tokenizer;
        if (options.StopTexts.Count > 0 && tokenizer is null)
            throw new ArgumentException("stop texts need a model with a tokenizer", nameof(options));
        return Run([.. prompt], options, tokenizer, new Sampler(options.Sampling));
    }

    /// <summary>The same without blocking the caller's thread: every token is computed on a thread of the pool.</summary>
    /// <inheritdoc cref="Generate"/>
    public async IAsyncEnumerable<GeneratedToken> GenerateAsync(
        IReadOnlyList<int> prompt, GenerationOptions? options = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        using var tokens = Generate(prompt, options).GetEnumerator();
        while (await Task.Run(tokens.MoveNext, cancellation).ConfigureAwait(false))
            yield return tokens.Current;
    }

    public void Dispose() => _cache.Dispose();

    private IEnumerable<GeneratedToken> Run(int[] prompt, GenerationOptions options, ITokenizer? tokenizer, Sampler sampler)
    {
        var stopIds = options.StopIds ?? _model.EndIds;
        var text = tokenizer is null ? null : new StreamingDecoder(tokenizer, continues: true);
        var scanner = new StopTextScanner(options.StopTexts);
        sampler.Observe(prompt);
        Prefill(prompt);
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
            Append([id]);
        }

        string Rest() => scanner.Add(text?.Finish() ?? "", out _) + scanner.Finish();
    }

    /// <summary>Computes what the cache does not hold yet; at least the last token, whose logits are needed.</summary>
    private void Prefill(int[] prompt)
    {
        var common = 0;
        while (common < _held.Count && common < prompt.Length - 1 && _held[common] == prompt[common])
            common++;
        _cache.Truncate(common);
        _held.RemoveRange(common, _held.Count - common);
        Append(prompt[common..]);
    }

    private void Append(ReadOnlySpan<int> ids)
    {
        _model.Decoder.Forward(_model.Compute, ids, _cache, _logits);
        foreach (var id in ids)
            _held.Add(id);
    }
}
