using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>F32, 4 bytes: IEEE single.</summary>
internal sealed class F32() : BlockFormat("F32", 0, 1, 4)
{
    public override bool CanQuantize => true;

    private protected override void DequantizeRun(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        if (BitConverter.IsLittleEndian)
            bytes.CopyTo(MemoryMarshal.AsBytes(values));
        else
            for (var i = 0; i < values.Length; i++)
                values[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]);
    }

    private protected override void QuantizeRun(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        if (BitConverter.IsLittleEndian)
            MemoryMarshal.AsBytes(values).CopyTo(bytes);
        else
            for (var i = 0; i < values.Length; i++)
                BinaryPrimitives.WriteSingleLittleEndian(bytes[(4 * i)..], values[i]);
    }
}
