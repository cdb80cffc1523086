namespace Vernier.Generation;

/// <summary>One step of generation.</summary>
/// <param name="Id">The token.</param>
/// <param name="Text">The text that the token completes; often empty, and always without a tokenizer.</param>
/// <param name="Ends">Why generation ends with this token; null while it goes on.</param>
public readonly record struct GeneratedToken(int Id, string Text, StopReason? Ends);
