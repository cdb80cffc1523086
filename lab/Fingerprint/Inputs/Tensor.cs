using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Vernier.Fingerprint.Inputs;

/// <summary>A tensor as safetensors states it: element type, shape (slowest dimension first), little-endian bytes.</summary>
internal sealed record Tensor(string Name, string Type, int[] Shape, byte[] Bytes)
{
    public static Tensor Singles(string name, float[] values, params int[] shape) => new(name, "F32", shape, MemoryMarshal.AsBytes<float>(values).ToArray());

    public static Tensor Integers(string name, int[] values, params int[] shape) => new(name, "I32", shape, MemoryMarshal.AsBytes<int>(values).ToArray());

    /// <summary>The same values in 16 bits.</summary>
    public Tensor As(string type) => type switch
    {
        "F32" => this,
        "F16" => Narrowed(type, value => BitConverter.HalfToUInt16Bits((Half)value)),
        "BF16" => Narrowed(type, value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)),
        _ => throw new ArgumentException(type),
    };

    public float[] ToSingles() => MemoryMarshal.Cast<byte, float>(Bytes).ToArray();

    private Tensor Narrowed(string type, Func<float, ushort> convert)
    {
        var bytes = new byte[Bytes.Length / 2];
        foreach (var (i, value) in ToSingles().Index())
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2 * i), convert(value));
        return this with { Type = type, Bytes = bytes };
    }
}
