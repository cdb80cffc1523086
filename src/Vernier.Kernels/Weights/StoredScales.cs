namespace Vernier.Kernels;

/// <summary>Scales as a file has them, in fp16, in fp32 or in two levels (<see cref="ScaleBlocks"/>). They never change, so any number of matrices hold the same ones: <see cref="Share"/>.
/// With <see cref="WithFactors"/> they are those of a task that is little more than two rows of numbers.</summary>
internal sealed unsafe class StoredScales : IDisposable
{
    // Whole vectors may be read behind the last row.
    private const int SpareHalves = 16;

    // That products with factors of rows take together.
    private const int RowsAtOnce = 4;

    private readonly NativeBuffer<Half>? _halfScale, _halfOffset; // no offsets where a uniform zero point stands for them
    private readonly NativeBuffer<float>? _scale, _offset; // where they are neither halves nor blocks
    private readonly ScaleBlocks? _blocks;
    private readonly NativeBuffer<float>? _rowFactors, _groupFactors; // of halves and blocks; null = ones

    private StoredScales(int rows, int groups, float uniformZero, NativeBuffer<Half> scale, NativeBuffer<Half>? offset)
    {
        (Rows, Groups, UniformZero) = (rows, groups, uniformZero);
        (_halfScale, _halfOffset) = (scale, offset);
    }

    /// <summary>Takes the buffers over.</summary>
    /// <param name="scale">[rows, groups].</param>
    /// <param name="offset">[rows, groups].</param>
    internal StoredScales(int rows, int groups, float uniformZero, NativeBuffer<float> scale, NativeBuffer<float> offset)
    {
        (Rows, Groups, UniformZero) = (rows, groups, uniformZero);
        (_scale, _offset) = (scale, offset);
    }

    /// <summary>Takes the blocks over.</summary>
    /// <param name="uniformZero"><see cref="ScaleView.UniformZero"/>; NaN where the blocks have offsets.</param>
    internal StoredScales(ScaleBlocks blocks, float uniformZero)
    {
        (Rows, Groups, UniformZero) = (blocks.Rows, blocks.Groups, uniformZero);
        _blocks = blocks;
    }

    private StoredScales(StoredScales source, NativeBuffer<float>? rowFactors, NativeBuffer<float>? groupFactors)
    {
        (Rows, Groups, UniformZero) = (source.Rows, source.Groups, source.UniformZero);
        (_halfScale, _halfOffset) = (source._halfScale?.Share(), source._halfOffset?.Share());
        (_scale, _offset) = (source._scale?.Share(), source._offset?.Share());
        _blocks = source._blocks?.Share();
        (_rowFactors, _groupFactors) = (rowFactors, groupFactors);
    }

    /// <summary>Output features.</summary>
    public int Rows { get; }

    /// <summary>Groups of columns in a row.</summary>
    public int Groups { get; }

    /// <summary>Whether they are in fp16.</summary>
    public bool IsHalf => _halfScale is not null;

    /// <inheritdoc cref="ScaleView.Form"/>
    public ScaleForm Form => _blocks?.Form ?? (IsHalf ? ScaleForm.Half : ScaleForm.Float);

    /// <summary>To be read.</summary>
    public ScaleView View => new(this);

    /// <summary>Bytes held, those that others share among them.</summary>
    public long Bytes => sizeof(ushort) * (Length(_halfScale) + Length(_halfOffset)) + sizeof(float) * (Length(_scale) + Length(_offset) + Length(_rowFactors) + Length(_groupFactors))
        + (_blocks?.Bytes ?? 0);

    /// <inheritdoc cref="ScaleView.UniformZero"/>
    internal float UniformZero { get; }

    /// <inheritdoc cref="ScaleView.ScalePointer"/>
    internal void* ScalePointer => _blocks is not null ? _blocks.Scales : _halfScale is not null ? _halfScale.Pointer : _scale!.Pointer;

    /// <inheritdoc cref="ScaleView.OffsetPointer"/>
    internal void* OffsetPointer => Form switch
    {
        ScaleForm.Float => _offset!.Pointer,
        ScaleForm.Half => _halfOffset is null ? null : _halfOffset.Pointer,
        _ => _blocks!.Offsets,
    };

    /// <inheritdoc cref="ScaleView.RowFactors"/>
    internal float* RowFactors => _rowFactors is null ? null : _rowFactors.Pointer;

    /// <inheritdoc cref="ScaleView.GroupFactors"/>
    internal float* GroupFactors => _groupFactors is null ? null : _groupFactors.Pointer;

    /// <summary>The same scales in the least memory that keeps every bit: in fp16 where all are such numbers, as in block formats, else in fp32.</summary>
    public static StoredScales Of(ScaleView source)
    {
        if (source.Stored is { } stored)
            return (stored.Form != ScaleForm.Float ? null : InHalves(stored.Rows, stored.Groups, stored.UniformZero, stored._scale!, stored._offset!)) ?? stored.Share();
        if (source.Tuned!.ToHalves() is { } halves)
            return halves;
        using var copy = new TunedScales(source);
        return copy.ToStored();
    }

    /// <summary>Another holder of the same scales: what they take is freed with the last one.</summary>
    public StoredScales Share() => new(this, _rowFactors?.Share(), _groupFactors?.Share());

    /// <summary>These scales and offsets times (row * column), kept as factors beside them: products take rows' factors into what comes out and groups'
    /// factors into what goes in.</summary>
    /// <param name="row">[rows]; empty = ones.</param>
    /// <param name="column">[groups]; empty = ones.</param>
    /// <returns>Null where that is not done: scales in fp32, those that have factors already, and rows that do not come in fours.</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public StoredScales? WithFactors(ReadOnlySpan<float> row, ReadOnlySpan<float> column)
    {
        if (!row.IsEmpty && row.Length != Rows || !column.IsEmpty && column.Length != Groups)
            throw new ArgumentException($"Factors of {row.Length} rows and {column.Length} groups for scales of {Rows} rows and {Groups} groups.", nameof(row));
        return Form != ScaleForm.Float && _rowFactors is null && _groupFactors is null && Rows % RowsAtOnce == 0 ? new(this, Copy(row), Copy(column)) : null;

        static NativeBuffer<float>? Copy(ReadOnlySpan<float> values)
        {
            if (values.IsEmpty)
                return null;
            var factors = new NativeBuffer<float>(values.Length);
            values.CopyTo(factors.Span);
            return factors;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _halfScale?.Dispose();
        _halfOffset?.Dispose();
        _scale?.Dispose();
        _offset?.Dispose();
        _blocks?.Dispose();
        _rowFactors?.Dispose();
        _groupFactors?.Dispose();
    }

    /// <summary>Scales in fp16.</summary>
    /// <param name="scale">[rows, groups].</param>
    /// <param name="offset">[rows, groups].</param>
    /// <returns>Null where a bit would be lost.</returns>
    internal static StoredScales? InHalves(int rows, int groups, float uniformZero, NativeBuffer<float> scale, NativeBuffer<float> offset)
    {
        var halfScale = Halves(scale);
        var uniform = HasUniformOffsets(uniformZero, scale, offset);
        var halfOffset = halfScale is null || uniform ? null : Halves(offset);
        if (halfScale is not null && (uniform || halfOffset is not null))
            return new(rows, groups, uniformZero, halfScale, halfOffset);
        halfScale?.Dispose();
        return null;

        NativeBuffer<Half>? Halves(NativeBuffer<float> values)
        {
            var halves = new NativeBuffer<Half>((long)rows * groups + SpareHalves, isWeight: true);
            for (long at = 0; at < values.Length; at += groups)
                if (!HalfConversion.NarrowExactly(values.Slice(at, groups), halves.Slice(at, groups)))
                {
                    halves.Dispose();
                    return null;
                }
            return halves;
        }
    }

    /// <summary>The scales and offsets of neighbouring groups from the <paramref name="first"/> of all rows on.</summary>
    internal void Read(long first, int count, float* scale, float* offset)
    {
        if (_scale is not null)
        {
            new ReadOnlySpan<float>(_scale.Pointer + first, count).CopyTo(new Span<float>(scale, count));
            new ReadOnlySpan<float>(_offset!.Pointer + first, count).CopyTo(new Span<float>(offset, count));
            return;
        }
        if (_blocks is not null)
            _blocks.ReadScales(first, count, scale);
        else
            HalfConversion.Widen(_halfScale!.Pointer + first, count, scale);
        ReadOffsets(first, count, scale, offset);
        if (_rowFactors is null && _groupFactors is null)
            return;
        for (var i = 0; i < count; i++)
        {
            var factor = (_rowFactors is null ? 1 : RowFactors[(first + i) / Groups]) * (_groupFactors is null ? 1 : GroupFactors[(first + i) % Groups]);
            scale[i] *= factor;
            offset[i] *= factor;
        }
    }

    private void ReadOffsets(long first, int count, float* scale, float* offset)
    {
        if (OffsetPointer == null)
            for (var i = 0; i < count; i++)
                offset[i] = OffsetOf(UniformZero, scale[i]);
        else if (_blocks is not null)
            _blocks.ReadOffsets(first, count, offset);
        else
            HalfConversion.Widen(_halfOffset!.Pointer + first, count, offset);
    }

    // To the sign of zeros.
    private static bool HasUniformOffsets(float zero, NativeBuffer<float> scale, NativeBuffer<float> offset)
    {
        if (float.IsNaN(zero))
            return false;
        for (long i = 0; i < scale.Length; i++)
            if (BitConverter.SingleToInt32Bits(offset.Pointer[i]) != BitConverter.SingleToInt32Bits(OffsetOf(zero, scale.Pointer[i])))
                return false;
        return true;
    }

    // Of codebooks all offsets are the positive zero.
    private static float OffsetOf(float zero, float scale) => zero == 0 ? 0 : -zero * scale;

    private static long Length<T>(NativeBuffer<T>? buffer)
        where T : unmanaged => buffer?.Length ?? 0;
}
