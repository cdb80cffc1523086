namespace Vernier.Tokens;

/// <summary>A part of a text: a token that was found as a whole, or text to encode.</summary>
/// <param name="Text">Normalized text; empty for a token.</param>
/// <param name="Id">The token, or -1 for text.</param>
/// <param name="IsFirst">The whole text begins here.</param>
internal readonly record struct TextStretch(ReadOnlyMemory<char> Text, int Id, bool IsFirst);
