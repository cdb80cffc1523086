namespace Vernier.Data;

/// <summary>How the prompts of a data file are written.</summary>
public enum PromptKind
{
    /// <summary>No prompts: text to go on from.</summary>
    Text,

    /// <summary>Token ids; the file does not say what stands behind them.</summary>
    Ids,

    /// <summary>As they are, the answer follows.</summary>
    Completion,

    /// <summary>Stanford Alpaca's, see <see cref="AlpacaPrompt"/>.</summary>
    Alpaca,

    /// <summary>A definition and an input, as Natural Instructions has them.</summary>
    NaturalInstructions,

    /// <summary>Messages in the model's own chat template.</summary>
    Chat,
}
