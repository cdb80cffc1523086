using Vernier.Tokens;
using Vernier.Tokens.Templates;

namespace Vernier.Data;

/// <summary>The form of the prompts that a model was tuned on: a question in another form does not show what it learned.</summary>
public sealed record PromptForm(PromptKind Kind)
{
    private const int UsualExample = 300; // characters

    /// <summary>Natural Instructions: the definition that stands in front of every input.</summary>
    public string? Definition { get; init; }

    /// <summary>Chat: the system message, where all conversations begin with the same.</summary>
    public string? SystemMessage { get; init; }

    /// <summary>A prompt of the data, as a user would type it; null where there is none.</summary>
    public string? Example { get; init; }

    /// <summary>The name that adapters record, e.g. <c>natural-instructions</c>.</summary>
    public string Name => OptionValue.NameOf(Kind);

    /// <summary>What the form is called in a sentence.</summary>
    public string Title => Kind switch
    {
        PromptKind.Chat => "the model's chat template",
        PromptKind.Alpaca => "the Alpaca prompt",
        PromptKind.NaturalInstructions => "the prompt of its Natural Instructions task",
        PromptKind.Completion => "prompts as they are",
        PromptKind.Text => "plain text",
        _ => "token ids",
    };

    /// <summary>Puts a prompt into the form. One that is in it already stays as it is.</summary>
    /// <param name="template">Needed for chats.</param>
    /// <exception cref="InvalidDataException">The form is a chat and the model has no template.</exception>
    /// <exception cref="TemplateException">The template refuses the prompt.</exception>
    public string Apply(string prompt, ITokenizer tokenizer, ChatTemplate? template)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return IsApplied(prompt, tokenizer) ? prompt : Kind switch
        {
            PromptKind.Alpaca => AlpacaPrompt.Text(prompt, ""),
            PromptKind.NaturalInstructions => NaturalInstructionsTask.Prompt(Definition ?? "", prompt),
            PromptKind.Chat => (template ?? throw new InvalidDataException("the adapter was tuned on chats, and the model has no chat template")).Render(Messages(prompt), addGenerationPrompt: true, tokenizer),
            // blanks at a prompt's end belong to the answer, see SampleEncoder
            PromptKind.Completion => prompt.TrimEnd(' ', '\t') is { Length: > 0 } text ? text : prompt,
            _ => prompt,
        };
    }

    /// <summary>The prompt is in the form already.</summary>
    public bool IsApplied(string prompt, ITokenizer tokenizer) => Kind switch
    {
        PromptKind.Alpaca => prompt.StartsWith(AlpacaPrompt.Start, StringComparison.Ordinal),
        PromptKind.NaturalInstructions => prompt.StartsWith("Definition:", StringComparison.Ordinal),
        PromptKind.Chat => tokenizer.Encode(prompt).Any(id => tokenizer.IsSpecial(id) && id != tokenizer.BosId),
        PromptKind.Completion => prompt.Length == 0 || prompt[^1] is not (' ' or '\t'),
        _ => true,
    };

    /// <summary>The form of one more sample beside those before it; null where they differ.</summary>
    internal static PromptForm? Join(PromptForm? all, PromptForm next)
    {
        if (all?.Kind != next.Kind || all.Definition != next.Definition)
            return null;
        var example = all.Example is null || (all.Example.Length > UsualExample && next.Example?.Length < all.Example.Length) ? next.Example ?? all.Example : all.Example;
        return all with { SystemMessage = all.SystemMessage == next.SystemMessage ? all.SystemMessage : null, Example = example };
    }

    private ChatMessage[] Messages(string prompt) =>
        SystemMessage is null ? [new ChatMessage("user", prompt)] : [new ChatMessage("system", SystemMessage), new ChatMessage("user", prompt)];
}
