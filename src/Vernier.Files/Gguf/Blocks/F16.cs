using System.Buffers.Binary;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>F16, 2 bytes: IEEE half, rounded to nearest even; magnitudes from 65520 become infinite.</summary>
internal sealed class F16() : BlockFormat("F16", 1, 1, 2)
{
    public override bool CanQuantize => true;

    private protected override void DequantizeRun(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(bytes.Slice(2 * i, 2));
    }

    private protected override void QuantizeRun(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        for (var i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteHalfLittleEndian(bytes.Slice(2 * i, 2), (Half)values[i]);
    }
}
