namespace Vernier.Tokens;

/// <summary>A conversation as ids.</summary>
/// <param name="Ids">What the model reads, with BOS where the template or the model puts it.</param>
/// <param name="IsReply">One entry an id: it belongs to a reply of the assistant or is the end of its turn.</param>
public sealed record ChatTrainingIds(int[] Ids, bool[] IsReply);
