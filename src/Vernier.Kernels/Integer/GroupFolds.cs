using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>What output gradients are multiplied by for one group of a weight's columns, one number a row, and the noise that rounds the products.</summary>
/// <param name="memory"><see cref="Floats"/> floats.</param>
/// <param name="stride">Rows of the weight, rounded up to whole groups of gradients.</param>
internal readonly unsafe struct GroupFolds(float* memory, int stride)
{
    public static int Floats(int stride) => 3 * stride;

    /// <summary>[stride]: the scales.</summary>
    public float* Scale => memory;

    /// <summary>[stride]: the offsets.</summary>
    public float* Offset => memory + stride;

    /// <summary>[stride]: uniform over all integers.</summary>
    public uint* Noise => (uint*)(memory + 2L * stride);

    /// <param name="key">Same key, same noise.</param>
    public void Set(PackedMatrix weight, int group, uint key)
    {
        new Span<float>(memory, 2 * stride).Clear();
        for (var row = 0; row < weight.Rows; row++)
            weight.Scales.Read((long)row * weight.Groups + group, 1, Scale + row, Offset + row);
        var counter = Vector256<uint>.Indices + Vector256.Create(key + (uint)group * (uint)stride);
        for (var row = 0; row < stride; row += Vector256<uint>.Count, counter += Vector256.Create((uint)Vector256<uint>.Count))
            Hashed.Bits(counter).Store(Noise + row);
    }
}
