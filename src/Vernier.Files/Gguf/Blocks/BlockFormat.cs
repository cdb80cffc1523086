using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>One type of tensor data in a GGUF file: values in blocks of <see cref="BlockSize"/> that take <see cref="BlockBytes"/> each.
/// Blocks follow one another without padding and never cross a row. Instances are in <see cref="BlockFormats"/>.</summary>
public abstract class BlockFormat
{
    private protected BlockFormat(string name, uint number, int blockSize, int blockBytes)
    {
        Name = name;
        Number = number;
        BlockSize = blockSize;
        BlockBytes = blockBytes;
    }

    /// <summary>The type's usual name, such as Q4_0.</summary>
    public string Name { get; }

    /// <summary>The type's number in the file.</summary>
    public uint Number { get; }

    /// <summary>Values in a block.</summary>
    public int BlockSize { get; }

    /// <summary>Bytes of a block.</summary>
    public int BlockBytes { get; }

    /// <summary>How blocks divide into codes and scales; null for plain numbers and for types known by size only.</summary>
    public virtual BlockCodes? Codes => null;

    /// <summary>Whether <see cref="Dequantize"/> is there; false for types known by size only.</summary>
    public virtual bool CanDequantize => true;

    /// <summary>Whether <see cref="Quantize"/> is there.</summary>
    public virtual bool CanQuantize => false;

    /// <summary>Bytes of <paramref name="values"/> values.</summary>
    /// <exception cref="ArgumentException">Not a whole number of blocks.</exception>
    public long BytesOf(long values)
    {
        if (values < 0 || values % BlockSize != 0)
            throw new ArgumentException($"{values} values are not a whole number of {Name} blocks of {BlockSize}", nameof(values));
        return checked(values / BlockSize * BlockBytes);
    }

    /// <summary>Bytes to fp32, bit for bit as ggml does it: each product and sum rounded to fp32.</summary>
    /// <param name="bytes">Whole blocks.</param>
    /// <param name="values">As many values as the blocks hold.</param>
    /// <exception cref="NotSupportedException">The type is known by size only.</exception>
    public void Dequantize(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        if (!CanDequantize)
            throw new NotSupportedException($"values of type {Name} cannot be read: only its size is known");
        CheckSizes(bytes.Length, values.Length);
        DequantizeRun(bytes, values);
    }

    /// <summary>Fp32 to bytes, round to nearest, bit for bit as ggml's reference does it.</summary>
    /// <exception cref="NotSupportedException">There is no quantizer for this type.</exception>
    public void Quantize(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        if (!CanQuantize)
            throw new NotSupportedException($"values cannot be written as {Name}");
        CheckSizes(bytes.Length, values.Length);
        QuantizeRun(values, bytes);
    }

    /// <summary>Divides blocks into unsigned codes, one a byte, and the scale and offset of each group; see <see cref="Codes"/>.</summary>
    /// <param name="bytes">Whole blocks.</param>
    /// <param name="codes">[values].</param>
    /// <param name="scale">[values / GroupSize].</param>
    /// <param name="offset">[values / GroupSize].</param>
    /// <exception cref="NotSupportedException">The type has no codes.</exception>
    public void Split(ReadOnlySpan<byte> bytes, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        var groups = CheckGroups(bytes.Length, codes.Length, scale.Length, offset.Length);
        for (int b = 0; b * BlockBytes < bytes.Length; b++)
            SplitBlock(bytes.Slice(b * BlockBytes, BlockBytes), codes.Slice(b * BlockSize, BlockSize), scale.Slice(b * groups, groups), offset.Slice(b * groups, groups));
    }

    /// <summary>Puts codes, scales and offsets back into blocks; scales and offsets are rounded to the format's fp16.</summary>
    /// <param name="codes">[values].</param>
    /// <param name="scale">[values / GroupSize].</param>
    /// <param name="offset">[values / GroupSize].</param>
    /// <param name="bytes">Whole blocks.</param>
    /// <exception cref="NotSupportedException">The format cannot hold such an offset or scale, or blocks of it cannot be put together.</exception>
    public void Join(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, Span<byte> bytes)
    {
        var groups = CheckGroups(bytes.Length, codes.Length, scale.Length, offset.Length);
        if (!Codes!.CanJoin)
            throw new NotSupportedException($"codes and scales cannot be written as {Name}");
        if (codes.ContainsAnyExceptInRange((byte)0, (byte)((1 << Codes.Bits) - 1)))
            throw new ArgumentException($"a code does not fit {Codes.Bits} bits", nameof(codes));
        CheckOffsets(scale, offset);
        for (int b = 0; b * BlockBytes < bytes.Length; b++)
            JoinBlock(codes.Slice(b * BlockSize, BlockSize), scale.Slice(b * groups, groups), offset.Slice(b * groups, groups), bytes.Slice(b * BlockBytes, BlockBytes));
    }

    /// <summary>Multiplies each block by a factor: only its fp16 scales (and minimums) change, rounded to nearest; codes and inner scales stay.
    /// The way back for formats with two levels of scales, which cannot take a new scale for each group.</summary>
    /// <param name="source">Whole blocks.</param>
    /// <param name="factors">[blocks].</param>
    /// <param name="destination">As long as the source; may be the source.</param>
    /// <returns>Scales that lost more than half a unit of the eleventh binary digit, being too small for fp16's full precision; they are the nearest all the same.</returns>
    /// <exception cref="NotSupportedException">The format has no fp16 scale, or one becomes too large.</exception>
    public int Rescale(ReadOnlySpan<byte> source, ReadOnlySpan<float> factors, Span<byte> destination)
    {
        if (Codes is not { Storage: ScaleStorage.Half })
            throw new NotSupportedException($"{Name} has no scale that can be multiplied");
        CheckSizes(source.Length, checked(factors.Length * BlockSize));
        source.CopyTo(destination);
        var coarse = 0;
        for (var b = 0; b < factors.Length; b++)
            if (factors[b] != 1)
                coarse += RescaleBlock(destination.Slice(b * BlockBytes, BlockBytes), factors[b]);
        return coarse;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    private protected virtual void DequantizeRun(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        for (int b = 0; b * BlockBytes < bytes.Length; b++)
            DequantizeBlock(bytes.Slice(b * BlockBytes, BlockBytes), values.Slice(b * BlockSize, BlockSize));
    }

    private protected virtual void QuantizeRun(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        for (int b = 0; b * BlockBytes < bytes.Length; b++)
            QuantizeBlock(values.Slice(b * BlockSize, BlockSize), bytes.Slice(b * BlockBytes, BlockBytes));
    }

    /// <summary>The one dequantization of all formats with codes; sums and products are rounded one by one, as ggml does.</summary>
    private protected virtual void DequantizeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        var layout = Codes!;
        Span<byte> codes = stackalloc byte[BlockSize];
        Span<float> scale = stackalloc float[BlockSize / layout.GroupSize];
        Span<float> offset = stackalloc float[scale.Length];
        SplitBlock(block, codes, scale, offset);
        for (var g = 0; g < scale.Length; g++)
        {
            var from = codes.Slice(g * layout.GroupSize, layout.GroupSize);
            var to = values.Slice(g * layout.GroupSize, layout.GroupSize);
            if (layout.Table is { } table)
                for (var i = 0; i < to.Length; i++)
                    to[i] = scale[g] * (table[from[i]] * layout.TableUnit);
            else if (layout.ZeroPoint is { } zero)
                Scale(from, zero, scale[g], 0, to);
            else
                Scale(from, 0, scale[g], offset[g], to);
        }
    }

    /// <summary>The fp16 scale d of a block; a minimum is in the last of <see cref="BlockCodes.HalfScales"/>.</summary>
    internal virtual Half SuperScale(ReadOnlySpan<byte> block) => BinaryPrimitives.ReadHalfLittleEndian(block[Codes!.HalfScales[0]..]);

    /// <summary>Multiplies the fp16 scales of one block.</summary>
    /// <returns>Those that lost digits.</returns>
    private protected virtual int RescaleBlock(Span<byte> block, float factor)
    {
        var coarse = 0;
        foreach (var at in Codes!.HalfScales)
        {
            var scale = ReadHalf(block[at..]) * factor;
            WriteScale(scale, block[at..]);
            coarse += IsCoarse(scale, block[at..]);
        }
        return coarse;
    }

    /// <summary>1 where a scale as it was written differs from what it should be by more than half a unit of the eleventh binary digit.</summary>
    private protected static int IsCoarse(float scale, ReadOnlySpan<byte> written) => MathF.Abs(ReadHalf(written) - scale) > MathF.Abs(scale) / 2048 ? 1 : 0;

    private protected virtual void QuantizeBlock(ReadOnlySpan<float> values, Span<byte> block) => throw new NotSupportedException(Name);

    private protected virtual void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset) => throw new NotSupportedException(Name);

    private protected virtual void JoinBlock(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, Span<byte> block) => throw new NotSupportedException(Name);

    /// <summary>A quantizer's scale as fp16, infinite where it is too large, as ggml stores it.</summary>
    private protected static void WriteHalf(float value, Span<byte> destination) =>
        BinaryPrimitives.WriteHalfLittleEndian(destination, (Half)value);

    /// <summary>A tuned scale as fp16.</summary>
    private protected void WriteScale(float value, Span<byte> destination)
    {
        var half = (Half)value;
        if (Half.IsInfinity(half) && float.IsFinite(value))
            throw new NotSupportedException($"{Name} stores scales as fp16 and {value} is too large for it");
        BinaryPrimitives.WriteHalfLittleEndian(destination, half);
    }

    private protected static float ReadHalf(ReadOnlySpan<byte> source) => (float)BinaryPrimitives.ReadHalfLittleEndian(source);

    /// <summary>scale * (code - zero) + offset of one group, 16 at a time where the machine has vectors. A zero offset changes no bit but the
    /// sign of a zero, so where the format has a zero point it is left out.</summary>
    private static void Scale(ReadOnlySpan<byte> codes, int zero, float scale, float offset, Span<float> values)
    {
        var i = 0;
        if (Vector128.IsHardwareAccelerated)
            for (; i <= codes.Length - 16; i += 16)
            {
                var (low, high) = Vector128.Widen(Vector128.Create(codes.Slice(i, 16)));
                ScaleEight(low, zero, scale, offset, values.Slice(i, 8));
                ScaleEight(high, zero, scale, offset, values.Slice(i + 8, 8));
            }
        for (; i < codes.Length; i++)
            values[i] = zero != 0 ? scale * (codes[i] - zero) : scale * codes[i] + offset;
    }

    private static void ScaleEight(Vector128<ushort> codes, int zero, float scale, float offset, Span<float> values)
    {
        var (low, high) = Vector128.Widen(codes);
        var a = Vector128.ConvertToSingle(low.AsInt32() - Vector128.Create(zero)) * scale;
        var b = Vector128.ConvertToSingle(high.AsInt32() - Vector128.Create(zero)) * scale;
        if (zero == 0)
            (a, b) = (a + Vector128.Create(offset), b + Vector128.Create(offset));
        a.CopyTo(values[..4]);
        b.CopyTo(values.Slice(4, 4));
    }

    private void CheckSizes(int bytes, int values)
    {
        if (bytes % BlockBytes != 0 || (long)bytes / BlockBytes * BlockSize != values)
            throw new ArgumentException($"{values} values do not go with {bytes} bytes of {Name} ({BlockSize} values in {BlockBytes} bytes)");
    }

    private int CheckGroups(int bytes, int codes, int scales, int offsets)
    {
        if (Codes is null)
            throw new NotSupportedException($"{Name} has no codes and scales");
        CheckSizes(bytes, codes);
        if (scales != codes / Codes.GroupSize || offsets != scales)
            throw new ArgumentException($"{scales} scales and {offsets} offsets do not go with {codes} codes of {Name} in groups of {Codes.GroupSize}");
        return BlockSize / Codes.GroupSize;
    }

    private void CheckOffsets(ReadOnlySpan<float> scale, ReadOnlySpan<float> offset)
    {
        if (Codes!.ZeroPoint is null && Codes.Table is null)
            return;
        var zero = Codes.ZeroPoint ?? 0;
        for (var g = 0; g < scale.Length; g++)
        {
            var expected = -zero * scale[g];
            // Scale and offset may have been multiplied by a factor apart from each other: a few roundings of difference.
            if (MathF.Abs(offset[g] - expected) > 1e-5f * MathF.Abs(expected))
                throw new NotSupportedException($"{Name} has the zero point {zero} and cannot hold the scale {scale[g]} with the offset {offset[g]}: a format with a minimum (Q4_1, Q5_1) can");
        }
    }
}
