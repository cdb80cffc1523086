using System.Buffers.Binary;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>BF16, 2 bytes: the upper half of an IEEE single, rounded to nearest even; NaN stays NaN.</summary>
internal sealed class BF16() : BlockFormat("BF16", 30, 1, 2)
{
    public override bool CanQuantize => true;

    private protected override void DequantizeRun(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        for (var i = 0; i < values.Length; i++)
            values[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes.Slice(2 * i, 2)) << 16);
    }

    private protected override void QuantizeRun(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        for (var i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.Slice(2 * i, 2), FromSingle(values[i]));
    }

    private static ushort FromSingle(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return (ushort)((bits >> 16) | 0x40); // quiet, so that dropping the low half cannot make it infinite
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
