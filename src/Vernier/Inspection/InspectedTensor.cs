namespace Vernier.Inspection;

/// <summary>A tensor as its file stores it.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="Shape">In the order of the file: GGUF states the fastest dimension first, safetensors and pickle the slowest.</param>
/// <param name="Format">Block format or element type, as the file's kind spells it.</param>
/// <param name="Bytes">Bytes in the file.</param>
public sealed record InspectedTensor(string Name, IReadOnlyList<long> Shape, string Format, long Bytes);
