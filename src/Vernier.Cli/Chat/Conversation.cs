using System.Text;
using Vernier.Cli.Arguments;
using Vernier.Generation;
using Vernier.Tokens;
using Vernier.Tokens.Templates;

namespace Vernier.Cli.Chat;

/// <summary>A conversation with a model by the model's own chat template, or in the form that its adapter was tuned on. When it no longer fits the context, the model forgets its oldest turns.</summary>
internal sealed class Conversation : IDisposable
{
    private const int AnswerShare = 4; // of the context that is kept free for an answer

    private readonly Func<string?, TunedPrompt> _open;
    private readonly GenerationOptions _options;
    private readonly List<ChatMessage> _turns = [];
    private TunedPrompt _prompt;
    private LanguageModel _model;
    private TokenGenerator _generator;
    private string? _usualSystem; // the adapter's, which the user's takes the place of
    private int _forgotten; // turns at the start that the model no longer gets

    /// <param name="open">Loads the model, with the adapter of a folder or without one.</param>
    /// <param name="system">null = the one that the adapter's data begin with, or none.</param>
    /// <exception cref="InvalidDataException">The model has no tokenizer or no chat template.</exception>
    public Conversation(Func<string?, TunedPrompt> open, string? adapter, GenerationOptions options, string? system)
    {
        (_open, _options, AdapterFolder, System) = (open, options, adapter, system);
        Load();
    }

    /// <summary>null = none.</summary>
    public string? System { get; set; }

    /// <summary>The adapter that the model has; null = none.</summary>
    public string? AdapterFolder { get; private set; }

    /// <summary>Everything that was said, the system message first.</summary>
    public IEnumerable<ChatMessage> Messages => WithSystem(_turns);

    /// <summary>Tokens of the model's context.</summary>
    public int Context => _model.Config.ContextLength;

    /// <summary>The model forgets all turns.</summary>
    public void Clear()
    {
        _turns.Clear();
        _forgotten = 0;
    }

    /// <summary>Loads the model again with another adapter, or with none. The turns stay.</summary>
    /// <exception cref="InvalidDataException">The adapter does not belong to the model, or is damaged; the model is as it was before.</exception>
    /// <exception cref="IOException">There is no such adapter; the model is as it was before.</exception>
    public void ChangeAdapter(string? folder)
    {
        var before = AdapterFolder;
        if (folder is not null)
            Adapters.Adapter.Load(folder); // what is no adapter costs no loading of the model
        Dispose();
        try
        {
            AdapterFolder = folder;
            Load();
        }
        catch when (folder != before)
        {
            AdapterFolder = before;
            Load();
            throw;
        }
    }

    /// <summary>Says something and streams the answer. What was written of an answer that is broken off stays in the conversation.</summary>
    /// <param name="write">Gets the answer piece by piece.</param>
    /// <param name="breakOff">Breaks the answer off, while the message is still read too.</param>
    /// <returns>Turns that were forgotten for it, and why the answer ended; null where it was broken off.</returns>
    /// <exception cref="InvalidDataException">The message alone does not fit the context. It is taken back.</exception>
    /// <exception cref="TemplateException">The template refuses the message. It is taken back.</exception>
    public (int Forgotten, StopReason? Ends) Say(string text, Action<string> write, CancellationToken breakOff)
    {
        _turns.Add(new ChatMessage("user", text));
        var forgotten = _forgotten;
        int[] ids;
        try
        {
            ids = Fit();
        }
        catch
        {
            _turns.RemoveAt(_turns.Count - 1);
            _forgotten = forgotten;
            throw;
        }
        var reply = new StringBuilder();
        StopReason? ends = null;
        try
        {
            foreach (var token in _generator.Generate(ids, _options, breakOff))
            {
                reply.Append(token.Text);
                write(token.Text);
                ends = token.Ends;
            }
        }
        catch (OperationCanceledException) when (breakOff.IsCancellationRequested)
        {
            ends = null;
        }
        _turns.Add(new ChatMessage("assistant", reply.ToString()));
        return (_forgotten - forgotten, ends);
    }

    public void Dispose()
    {
        _generator.Dispose();
        _model.Dispose();
    }

    [global::System.Diagnostics.CodeAnalysis.MemberNotNull(nameof(_prompt), nameof(_model), nameof(_generator))]
    private void Load()
    {
        _prompt = _open(AdapterFolder);
        _model = _prompt.Model;
        try
        {
            var usual = System == _usualSystem;
            _usualSystem = _prompt.UsualSystem;
            if (usual)
                System = _usualSystem;
            _prompt.BeginConversation(ownSystem: !usual);
            _generator = new TokenGenerator(_model);
        }
        catch
        {
            _model.Dispose();
            throw;
        }
    }

    /// <summary>The ids of the turns that fit with room for an answer: whole turns go, the oldest first, and never the last message.</summary>
    private int[] Fit()
    {
        var room = Context - Math.Min(_options.MaxTokens, Context / AnswerShare);
        while (true)
        {
            var ids = _prompt.EncodeConversation([.. WithSystem(_turns.Skip(_forgotten))]);
            if (ids.Length <= room)
                return ids;
            var next = _turns.FindIndex(_forgotten + 1, turn => turn.Role == "user");
            if (next >= 0)
                _forgotten = next;
            else if (ids.Length < Context)
                return ids;
            else
                throw new InvalidDataException($"the message makes {ids.Length} tokens, the model's context holds {Context}");
        }
    }

    private IEnumerable<ChatMessage> WithSystem(IEnumerable<ChatMessage> turns) =>
        System is { } system ? turns.Prepend(new ChatMessage("system", system)) : turns;
}
