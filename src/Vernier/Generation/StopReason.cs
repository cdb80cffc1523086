namespace Vernier.Generation;

/// <summary>Why generation ended.</summary>
public enum StopReason
{
    /// <summary>The model chose an end token.</summary>
    EndToken,

    /// <summary>A stop text appeared.</summary>
    StopText,

    /// <summary>The asked number of tokens was made.</summary>
    MaxTokens,

    /// <summary>The context is full.</summary>
    Context,
}
