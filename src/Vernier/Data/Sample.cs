using Vernier.Models;

namespace Vernier.Data;

/// <summary>One tokenised sample before it is laid into rows.</summary>
/// <param name="Ids">[tokens].</param>
/// <param name="Labels">[tokens]: the id itself where the position is an answer, <see cref="TokenBatch.NoTarget"/> where it is not. Not shifted.</param>
/// <param name="Place">Where it stands in the file, e.g. <c>line 12</c>.</param>
internal sealed record Sample(int[] Ids, int[] Labels, string Place);
