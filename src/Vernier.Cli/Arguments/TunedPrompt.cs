using System.CommandLine;
using Vernier.Data;
using Vernier.Tokens;

namespace Vernier.Cli.Arguments;

/// <summary>A model with its adapter, and what a user types to it, put into the form of the prompts that the adapter was tuned on: in another form its skill does not show.</summary>
/// <param name="form">null = prompts stay as they are, and conversations are the model's own.</param>
internal sealed class TunedPrompt(LanguageModel model, PromptForm? form)
{
    private bool _said;

    public LanguageModel Model => model;

    /// <summary>The system message that all conversations of the adapter's data begin with; null where there is none.</summary>
    public string? UsualSystem => form is { Kind: PromptKind.Chat } ? form.SystemMessage : null;

    /// <summary>The option that leaves prompts as they are.</summary>
    public static Option<bool> AddRawTo(Command command)
    {
        var raw = new Option<bool>("--raw") { Description = "Leave the prompt as it is, whatever form the adapter was tuned on" };
        command.Add(raw);
        return raw;
    }

    /// <summary>A prompt as ids.</summary>
    public int[] Encode(string text)
    {
        if (form is null || form.IsApplied(text, Prompts.Tokenizer(model)))
            return Prompts.Encode(model, text);
        Say(form.Kind == PromptKind.Completion
            ? "blanks at the prompt's end are left to the answer, as in the adapter's tuning (--raw: they stay)"
            : $"the prompt is asked as the adapter was tuned, by {form.Title} (--raw: as it is)");
        return Prompts.Encode(model, form.Apply(text, Prompts.Tokenizer(model), model.ChatTemplate));
    }

    /// <summary>Says how a conversation is asked.</summary>
    /// <param name="ownSystem">The user gave a system message.</param>
    /// <exception cref="InvalidDataException">The model has no chat template, and the adapter no form of its own.</exception>
    public void BeginConversation(bool ownSystem)
    {
        Prompts.Tokenizer(model);
        if (AsksAlone)
            Say($"the adapter was tuned on {form!.Title}: every message is asked alone, in that form (--raw: the model's own chat template)");
        else if (model.ChatTemplate is null)
            throw new InvalidDataException($"{model.Source.Path}: the model has no chat template; use generate");
        else if (!ownSystem && UsualSystem is not null)
            Say("the conversation begins with the system message of the adapter's data (--system: another one, --raw: none)");
    }

    /// <summary>A conversation as ids, with the assistant's turn opened.</summary>
    public int[] EncodeConversation(IReadOnlyList<ChatMessage> messages)
    {
        if (AsksAlone)
            return Prompts.Encode(model, form!.Apply(messages[^1].Content ?? "", Prompts.Tokenizer(model), null));
        return Prompts.Encode(model, model.ChatTemplate!.Render(messages, addGenerationPrompt: true, Prompts.Tokenizer(model)));
    }

    /// <summary>The form has no conversations.</summary>
    private bool AsksAlone => form?.Kind is PromptKind.Alpaca or PromptKind.NaturalInstructions or PromptKind.Completion;

    private void Say(string what)
    {
        if (!_said)
            Console.Error.WriteLine($"vernier: {what}");
        _said = true;
    }
}
