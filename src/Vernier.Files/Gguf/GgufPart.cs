namespace Vernier.Files.Gguf;

/// <summary>One file of those that a model is written into: one where it is not split.</summary>
internal sealed record GgufPart(string Path, GgufMetadata Metadata, IReadOnlyList<GgufTensorPlan> Tensors);
