namespace Vernier.Tokens;

/// <summary>A conversation as ids.</summary>
/// <param name="Ids">What the model reads, with BOS where the template or the model puts it.</param>
/// <param name="IsReply">One entry an id: it belongs to a reply of the assistant that is learned from, or is the end of its turn.</param>
internal sealed record ChatTrainingIds(int[] Ids, bool[] IsReply)
{
    /// <summary>One entry an id: it belongs to a reply whose loss the data take away.</summary>
    public bool[] IsLeftOut { get; init; } = new bool[Ids.Length];
}
