using Vernier.Files.Tensors;

namespace Vernier.Files.Safetensors;

/// <summary>Where a tensor of a safetensors file lies.</summary>
/// <param name="Shape">Sizes, slowest first: a linear layer is [out, in]. Empty for a scalar.</param>
/// <param name="Offset">First byte, counted from the start of the data.</param>
/// <param name="ByteLength">Bytes of the whole tensor.</param>
public sealed record SafetensorsTensor(string Name, ElementType Type, IReadOnlyList<long> Shape, long Offset, long ByteLength)
{
    /// <summary>Elements of the whole tensor.</summary>
    public long Elements => ByteLength / Type.Size();
}
