namespace Vernier.Kernels;

/// <summary>The scales of a <see cref="PackedMatrix"/>, to be read: one scale and one offset for each row and group of columns,
/// effective weight = scale * code + offset. A zero point z is the offset -scale * z, a minimum m is the offset m, so multiplying
/// both by one factor scales the weight in either kind of format. To look at them changes nothing: they stay in the width in which they are held.</summary>
internal readonly unsafe struct ScaleView
{
    internal ScaleView(StoredScales stored) => Stored = stored;

    internal ScaleView(TunedScales tuned) => Tuned = tuned;

    /// <summary>Output features.</summary>
    public int Rows => Stored?.Rows ?? Tuned!.Rows;

    /// <summary>Groups of columns in a row.</summary>
    public int Groups => Stored?.Groups ?? Tuned!.Groups;

    /// <summary>Whether they are in fp16.</summary>
    public bool IsHalf => Stored is { IsHalf: true };

    /// <summary>How they lie.</summary>
    public ScaleForm Form => Stored?.Form ?? ScaleForm.Float;

    /// <summary>Bytes held.</summary>
    public long Bytes => Stored?.Bytes ?? Tuned!.Bytes;

    /// <summary>Bytes that an integer product with a token reads: no offsets where <see cref="UniformZero"/> stands for them.</summary>
    internal long BytesRead => Form != ScaleForm.Float || float.IsNaN(UniformZero) ? Bytes : Bytes / 2;

    /// <summary>What is looked at, where it may not change; else null.</summary>
    public StoredScales? Stored { get; }

    /// <summary>What is looked at, where it may change; else null.</summary>
    internal TunedScales? Tuned { get; }

    /// <summary>The zero point z where every offset is -z times its scale to the last bit (Q4_0, Q8_0, symmetric grids), so that products
    /// need not read the offsets; else NaN.</summary>
    internal float UniformZero => Stored?.UniformZero ?? Tuned!.UniformZero;

    /// <summary>[rows, groups] of what <see cref="Form"/> says.</summary>
    internal void* ScalePointer => Stored is not null ? Stored.ScalePointer : Tuned!.ScalePointer;

    /// <summary>The offsets, of the same form; null where they are not kept, being -<see cref="UniformZero"/> times the scales.</summary>
    internal void* OffsetPointer => Stored is not null ? Stored.OffsetPointer : Tuned!.OffsetPointer;

    /// <summary>[rows]: what scales and offsets that are not fp32 are to be multiplied by; null = ones.</summary>
    internal float* RowFactors => Stored is null ? null : Stored.RowFactors;

    /// <summary>[groups]: what scales and offsets that are not fp32 are to be multiplied by; null = ones.</summary>
    internal float* GroupFactors => Stored is null ? null : Stored.GroupFactors;

    /// <summary>The scales and offsets of one row.</summary>
    /// <param name="scale">[groups].</param>
    /// <param name="offset">[groups].</param>
    public void ReadRow(int row, Span<float> scale, Span<float> offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
        Shapes.Require(scale.Length, 1, Groups, nameof(scale));
        Shapes.Require(offset.Length, 1, Groups, nameof(offset));
        fixed (float* toScale = scale, toOffset = offset)
            Read((long)row * Groups, Groups, toScale, toOffset);
    }

    /// <summary>All scales and offsets, [rows, groups] each.</summary>
    public (float[] Scale, float[] Offset) ToArrays()
    {
        var all = checked(Rows * Groups);
        var (scale, offset) = (new float[all], new float[all]);
        fixed (float* toScale = scale, toOffset = offset)
            Read(0, all, toScale, toOffset);
        return (scale, offset);
    }

    /// <summary>The scales and offsets of neighbouring groups from the <paramref name="first"/> of all rows on.</summary>
    internal void Read(long first, int count, float* scale, float* offset)
    {
        if (Stored is not null)
        {
            Stored.Read(first, count, scale, offset);
            return;
        }
        new ReadOnlySpan<float>(Tuned!.ScalePointer + first, count).CopyTo(new Span<float>(scale, count));
        new ReadOnlySpan<float>(Tuned.OffsetPointer + first, count).CopyTo(new Span<float>(offset, count));
    }
}
