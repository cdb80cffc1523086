namespace Vernier.Files.Gguf;

/// <summary>Everything in a GGUF file before the tensor data.</summary>
/// <param name="Version">2 or 3 (same layout).</param>
/// <param name="Alignment">Every tensor starts at a multiple of it.</param>
/// <param name="Metadata">Keys and values in file order.</param>
/// <param name="Tensors">In file order.</param>
/// <param name="DataStart">Offset of the tensor data in the file.</param>
internal sealed record GgufHeader(int Version, int Alignment, GgufMetadata Metadata, IReadOnlyList<GgufTensor> Tensors, long DataStart);
