using Vernier.Files.Tensors;

namespace Vernier.Files.Safetensors;

/// <summary>A tensor to be written.</summary>
/// <param name="Shape">Sizes, slowest first.</param>
public sealed record SafetensorsPlan(string Name, ElementType Type, IReadOnlyList<long> Shape)
{
    /// <summary>Bytes of the whole tensor.</summary>
    public long ByteLength => Shape.Aggregate((long)Type.Size(), (product, size) => checked(product * size));
}
