using Vernier.Files.Gguf.Blocks;

namespace Vernier.Files.Gguf;

/// <summary>A tensor to be written.</summary>
/// <param name="Dimensions">Sizes, fastest first.</param>
public sealed record GgufTensorPlan(string Name, IReadOnlyList<long> Dimensions, BlockFormat Format)
{
    /// <summary>Bytes of the whole tensor.</summary>
    /// <exception cref="ArgumentException">A row is not a whole number of blocks.</exception>
    public long ByteLength
    {
        get
        {
            var bytes = Format.BytesOf(Dimensions.Count > 0 ? Dimensions[0] : 1);
            for (var d = 1; d < Dimensions.Count; d++)
                bytes = checked(bytes * Dimensions[d]);
            return bytes;
        }
    }
}
