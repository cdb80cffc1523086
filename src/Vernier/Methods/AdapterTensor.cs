namespace Vernier.Tuning;

/// <summary>A tensor of an adapter file: name, shape and fp32 values, row-major.</summary>
public sealed record AdapterTensor(string Name, IReadOnlyList<int> Shape, float[] Values);
