using Vernier.Tokens;
using Vernier.Tokens.Templates;

namespace Vernier.Models;

/// <summary>A model in memory with all that belongs to it: decoder, tokenizer, the file it came from, and what it computes with. Everything that works on a model takes one.</summary>
/// <remarks>
/// <para>Threads may share a model. A call waits for the call of another thread (generation token by token, so that several texts may be under way);
/// while another thread tunes or measures it, which takes long, a call gets <see cref="InvalidOperationException"/> at once. <see cref="Dispose"/> waits
/// for the work under way; calls after it get <see cref="ObjectDisposedException"/>. Callbacks may use the model (generate a text after every step), but not
/// change or dispose it. Tokenizer and template may be used by any number of threads at once.</para>
/// <para>A model holds at most one adapter. Tuning and applying an adapter start from the base: what an earlier call left is taken away first.
/// The base is what was loaded, or what <see cref="MakeBase"/> was called on; <see cref="Reset"/> brings it back.</para>
/// </remarks>
public class LoadedModel : IDisposable
{
    private readonly Func<LoadedTokenizer?> _loadTokenizer;
    private readonly Action<Decoder>? _reload;
    private Lazy<(LoadedTokenizer? Loaded, Exception? Problem)> _tokenizer;
    private readonly Lazy<ChatTemplate?> _template;

    private protected LoadedModel(ModelParts parts, Compute compute)
    {
        (Decoder, Source, Compute, _reload) = (parts.Decoder, parts.Source, compute, parts.Reload);
        Decoder.MakeBase(keeps: parts.Reload is null);
        _loadTokenizer = parts.Tokenizer ?? (() => null);
        _tokenizer = new(ReadTokenizer);
        _template = new Lazy<ChatTemplate?>(() => LoadedTokenizer?.ParseChatTemplate());
    }

    /// <summary>Sizes and kinds of everything in the model.</summary>
    public ModelConfig Config => Decoder.Config;

    /// <summary>The transformer with its weights.</summary>
    public Decoder Decoder { get; }

    /// <summary>The workers and the arithmetic that this model's passes use.</summary>
    public Compute Compute { get; }

    /// <summary>The file or folder that the model was loaded from.</summary>
    public ModelSource Source { get; }

    /// <summary>Text to ids and back; null where the source has no tokenizer. One that cannot be read (see <see cref="TokenizerProblem"/>)
    /// throws its reason when it is used, so that work on ids goes on without it.</summary>
    public ITokenizer? Tokenizer => _tokenizer.Value switch
    {
        { Problem: { } problem } => new UnreadableTokenizer(problem),
        { Loaded: var loaded } => loaded?.Tokenizer,
    };

    /// <summary>Why the source's tokenizer cannot be read: an <see cref="InvalidDataException"/> where it is damaged, a
    /// <see cref="NotSupportedException"/> where it asks for something that is not done here; null where it can, or where there is none.</summary>
    public Exception? TokenizerProblem => _tokenizer.Value.Problem;

    /// <summary>The tokenizer with all that its files say, for export; null where there is none, or none that can be read.</summary>
    public LoadedTokenizer? LoadedTokenizer => _tokenizer.Value.Loaded;

    /// <summary>The chat template's text, or null.</summary>
    public string? ChatTemplateSource => _tokenizer.Value.Loaded?.ChatTemplateSource;

    /// <summary>Turns messages into the text that the model was trained on; null where the source has no template.</summary>
    /// <exception cref="TemplateException">The source's template is not valid.</exception>
    public ChatTemplate? ChatTemplate => _template.Value;

    /// <summary>The ids that end a reply.</summary>
    public IReadOnlyList<int> EndIds => _tokenizer.Value.Loaded is { } tokenizer ? [.. tokenizer.EndIds.Union(Config.EosTokenIds)] : Config.EosTokenIds;

    /// <summary>Number of weights, a tied head counted once.</summary>
    public long ParameterCount => Decoder.Weights().Sum(w => w.Matrix is { } matrix ? (long)matrix.Rows * matrix.Columns : w.Vector!.Value.Length);

    /// <summary>Bits of a weight in the source, on average over all tensors.</summary>
    public double BitsPerWeight => Source.Tensors.Count == 0 ? 32 : 8.0 * Source.Tensors.Sum(t => t.Bytes) / Source.Tensors.Sum(t => t.Elements);

    /// <summary>The fingerprint of all integer codes, see <see cref="CodeHash"/>.</summary>
    public string? CodesSha256(CancellationToken cancel = default)
    {
        using var work = new WorkLease(Decoder, Compute, cancel);
        return CodeHash.Of(Decoder.QuantizedMatrices().Select(m => CodeMatrix.Of(m.Name, m.Matrix)), cancel);
    }

    /// <summary>Takes away what tuning, an adapter or a merge left: the model computes the base again, to the bit. What the base's file can give again is read from there.</summary>
    /// <exception cref="InvalidOperationException">A <see cref="Adapters.TaskSwitch"/> is in use, or it is called from inside the model's own work.</exception>
    /// <exception cref="IOException">The file is gone or has changed since the model was loaded.</exception>
    public void Reset()
    {
        using var work = new WorkLease(Decoder, Compute, changes: true);
        ToBase();
    }

    /// <summary>Makes what the model computes now its base. Adapters that are made from here on belong to it, not to the file that was loaded: write it to a file too.</summary>
    /// <exception cref="InvalidOperationException">It is called from inside the model's own work, or a task switch is in use.</exception>
    public void MakeBase()
    {
        using var work = new WorkLease(Decoder, Compute, changes: true);
        Decoder.MakeBase(keeps: true);
    }

    /// <summary><see cref="Reset"/> inside the work that changes the model.</summary>
    internal void ToBase()
    {
        Decoder.RequireNoSwitch();
        if (Decoder.IsBase)
            return;
        if (Decoder.KeepsBase)
            Decoder.RestoreBase(null);
        else
            _reload!(Decoder);
    }

    /// <summary>Lets go of the tokenizer's memory until it is asked for again: a run that has its data has no use for it.</summary>
    internal void ReleaseTokenizer() => _tokenizer = new(ReadTokenizer);

    private (LoadedTokenizer? Loaded, Exception? Problem) ReadTokenizer()
    {
        try
        {
            return (_loadTokenizer(), null);
        }
        catch (Exception problem) when (problem is InvalidDataException or NotSupportedException)
        {
            return (null, problem);
        }
    }

    /// <summary>Frees the memory. Waits for the work of another thread; a call after it gets <see cref="ObjectDisposedException"/>.</summary>
    /// <exception cref="InvalidOperationException">Called from inside the model's own work, as from a progress callback.</exception>
    public void Dispose()
    {
        Decoder.Dispose();
        Source.Dispose();
        Compute.Dispose();
    }
}
