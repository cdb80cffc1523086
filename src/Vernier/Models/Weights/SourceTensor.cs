namespace Vernier.Models;

/// <summary>A tensor as its file stores it.</summary>
/// <param name="Name">Hugging Face name; the file's own where the decoder has no such tensor.</param>
/// <param name="FileName">Name in the file.</param>
/// <param name="Shape">Slowest dimension first: a linear layer is [out, in].</param>
/// <param name="Format">Block format or element type, as the file's kind spells it.</param>
/// <param name="Bytes">Bytes in the file.</param>
internal sealed record SourceTensor(string Name, string FileName, IReadOnlyList<long> Shape, string Format, long Bytes)
{
    /// <summary>Number of elements.</summary>
    public long Elements => Shape.Aggregate(1L, (a, b) => a * b);
}
