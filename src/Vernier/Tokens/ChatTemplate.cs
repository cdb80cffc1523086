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

    private ChatTemplate(string source, TemplateStatement body, TimeProvider clock) => (Source, _body, _clock) = (source, body, clock);

    public string Source { get; }

    /// <summary>Parses a Jinja template, with trim_blocks and lstrip_blocks on as for all chat templates.</summary>
    /// <param name="clock">Tells <c>strftime_now</c> the time; the system's by default.</param>
    /// <exception cref="TemplateException">The template is not valid or uses something that is not done here.</exception>
    public static ChatTemplate Parse(string source, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new(source, TemplateParser.Parse(source), clock ?? TimeProvider.System);
    }

    /// <summary>The text of a conversation.</summary>
    /// <param name="addGenerationPrompt">Open the assistant's turn at the end.</param>
    /// <param name="bosToken">What the template calls bos_token.</param>
    /// <param name="eosToken">What the template calls eos_token.</param>
    /// <param name="extra">Further variables, such as <c>tools</c> or <c>enable_thinking</c>.</param>
    /// <exception cref="TemplateException">The template refuses the messages (its own message), has an error, or does too much.</exception>
    public string Render(
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt,
        string bosToken = "",
        string eosToken = "",
        IReadOnlyDictionary<string, JsonNode?>? extra = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var run = new TemplateRun(new TemplateLimits());
        TemplateGlobals.AddTo(run.Scope, _clock);
        foreach (var (name, value) in extra ?? new Dictionary<string, JsonNode?>())
            run.Scope.Set(name, TemplateJson.ToValue(value));
        run.Scope.Set("messages", messages.Select(ToValue).ToList());
        run.Scope.Set("add_generation_prompt", addGenerationPrompt);
        run.Scope.Set("bos_token", bosToken);
        run.Scope.Set("eos_token", eosToken);
        _body.Execute(run);
        return run.Output.ToString();
    }

    /// <summary>The same with the tokens of a tokenizer.</summary>
    /// <exception cref="TemplateException">The template refuses the messages (its own message), has an error, or does too much.</exception>
    public string Render(
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt,
        ITokenizer tokenizer,
        IReadOnlyDictionary<string, JsonNode?>? extra = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return Render(
            messages,
            addGenerationPrompt,
            tokenizer.BosId is { } bos ? tokenizer.Piece(bos) : "",
            tokenizer.EosId is { } eos ? tokenizer.Piece(eos) : "",
            extra);
    }

    /// <summary>A conversation as ids for training, with a mask of the assistant's part; turns that are not to be learned from
    /// (<see cref="ChatMessage.IsTrained"/>) are marked apart.</summary>
    /// <exception cref="TemplateException">The template refuses the messages, or its text does not show which part is the assistant's.</exception>
    public ChatTrainingIds EncodeForTraining(
        IReadOnlyList<ChatMessage> messages, ITokenizer tokenizer, IReadOnlyDictionary<string, JsonNode?>? extra = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return ChatTrainingEncoder.Encode(this, messages, tokenizer, extra);
    }

    private static object? ToValue(ChatMessage message)
    {
        var members = new TemplateDictionary { ["role"] = message.Role };
        if (message.HasContent)
            members["content"] = message.Content;
        foreach (var (name, value) in message.Extra)
            members[name] = TemplateJson.ToValue(value);
        return members;
    }
}
