using System.Text.Json.Nodes;
using Vernier.Tokens.Templates;

namespace Vernier.Tokens;

/// <summary>
/// A model's chat template: turns messages into the text that the model was trained on. A template is code from a
/// stranger: it can read what it is given and write text, in a limited number of steps, and nothing else.
/// </summary>
public sealed class ChatTemplate
{
    private readonly TemplateStatement _body;

    private readonly TimeProvider _clock;

    private readonly IReadOnlyDictionary<string, JsonNode?> _specialTokens;

    /// <summary>The template for conversations with tools, read when the first one comes.</summary>
    private readonly Lazy<TemplateStatement>? _toolBody;

    private ChatTemplate(string source, string? toolSource, TimeProvider clock, IReadOnlyDictionary<string, JsonNode?>? specialTokens)
    {
        (Source, _clock, _specialTokens) = (source, clock, specialTokens ?? new Dictionary<string, JsonNode?>());
        _body = TemplateParser.Parse(source);
        _toolBody = toolSource is null ? null : new(() => TemplateParser.Parse(toolSource));
    }

    /// <summary>The template as it was given.</summary>
    public string Source { get; }

    /// <summary>Parses a Jinja template, with trim_blocks and lstrip_blocks on as for all chat templates.</summary>
    /// <param name="clock">Tells <c>strftime_now</c> the time; the system's by default.</param>
    /// <param name="specialTokens">What the tokenizer's configuration names, such as <c>bos_token</c> and <c>pad_token</c>; null for none of a name.</param>
    /// <param name="toolSource">The template that takes its place where <c>tools</c> are given; null for the same.</param>
    /// <exception cref="TemplateException">The template is not valid.</exception>
    public static ChatTemplate Parse(
        string source, TimeProvider? clock = null, IReadOnlyDictionary<string, JsonNode?>? specialTokens = null, string? toolSource = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new(source, toolSource, clock ?? TimeProvider.System, specialTokens);
    }

    /// <summary>The text of a conversation.</summary>
    /// <param name="addGenerationPrompt">Open the assistant's turn at the end.</param>
    /// <param name="bosToken">What the template calls bos_token; null where there is none.</param>
    /// <param name="eosToken">What the template calls eos_token; null where there is none.</param>
    /// <param name="extra">Further variables, such as <c>tools</c> or <c>enable_thinking</c>. <c>tools</c> and <c>documents</c> are none where they are not given.</param>
    /// <exception cref="TemplateException">The template refuses the messages (its own message), has an error, or does too much.</exception>
    internal string Render(
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt,
        string? bosToken = null,
        string? eosToken = null,
        IReadOnlyDictionary<string, JsonNode?>? extra = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var tokens = new Dictionary<string, JsonNode?>(_specialTokens);
        if (bosToken is not null)
            tokens["bos_token"] = bosToken;
        if (eosToken is not null)
            tokens["eos_token"] = eosToken;
        return Run(messages, addGenerationPrompt, tokens, extra);
    }

    /// <summary>The same with the tokens of a tokenizer, where the configuration does not name them.</summary>
    /// <exception cref="TemplateException">The template refuses the messages (its own message), has an error, or does too much.</exception>
    public string Render(
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt,
        ITokenizer tokenizer,
        IReadOnlyDictionary<string, JsonNode?>? extra = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        var tokens = new Dictionary<string, JsonNode?>(_specialTokens);
        if (tokenizer.BosId is { } bos)
            tokens.TryAdd("bos_token", tokenizer.Piece(bos));
        if (tokenizer.EosId is { } eos)
            tokens.TryAdd("eos_token", tokenizer.Piece(eos));
        return Run(messages, addGenerationPrompt, tokens, extra);
    }

    private string Run(
        IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, Dictionary<string, JsonNode?> tokens, IReadOnlyDictionary<string, JsonNode?>? extra)
    {
        var run = new TemplateRun(new TemplateLimits());
        TemplateGlobals.AddTo(run.Scope, _clock);
        run.Scope.Set("tools", null);
        run.Scope.Set("documents", null);
        foreach (var (name, token) in tokens)
            if (token is not null)
                run.Scope.Set(name, TemplateJson.ToValue(token));
        foreach (var (name, value) in extra ?? new Dictionary<string, JsonNode?>())
            run.Scope.Set(name, TemplateJson.ToValue(value));
        run.Scope.Set("messages", messages.Select(message => (object?)message.ToTemplate()).ToList());
        run.Scope.Set("add_generation_prompt", addGenerationPrompt);
        try
        {
            (_toolBody is not null && extra?.GetValueOrDefault("tools") is not null ? _toolBody.Value : _body).Execute(run);
        }
        catch (Exception e) when (e is InvalidCastException or InvalidOperationException or ArgumentException or ArithmeticException or FormatException or IndexOutOfRangeException)
        {
            // Whatever a stranger's template brings about is the template's failure.
            throw new TemplateException($"line {run.Line}: {e.Message}", run.Line, e);
        }
        return TemplateText.WellFormed(run.Output.ToString());
    }

    /// <summary>A conversation as ids for training, with a mask of the assistant's part; turns that are not to be learned from
    /// (<see cref="ChatMessage.IsTrained"/>) are marked apart.</summary>
    /// <exception cref="TemplateException">The template refuses the messages, or its text does not show which part is the assistant's.</exception>
    internal ChatTrainingIds EncodeForTraining(
        IReadOnlyList<ChatMessage> messages, ITokenizer tokenizer, IReadOnlyDictionary<string, JsonNode?>? extra = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return ChatTrainingEncoder.Encode(this, messages, tokenizer, extra);
    }
}
