namespace Vernier.Evaluation.Tasks;

/// <summary>One answer of a multiple-choice document.</summary>
/// <param name="Context">What the model reads first; the same for all choices of most tasks.</param>
/// <param name="Continuation">What is scored, with the space that joins it to the context.</param>
/// <param name="NormChars">Unicode code points of the answer, which the normalised accuracy divides by.</param>
internal sealed record Choice(string Context, string Continuation, int NormChars);
