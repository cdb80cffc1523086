namespace Vernier.Data;

/// <summary>How samples are laid out in rows.</summary>
/// <param name="Context">Tokens of a row at most.</param>
/// <param name="TrainOnPrompt">Prompts have targets too, not answers alone.</param>
public readonly record struct RowOptions(int Context, bool TrainOnPrompt = false);
