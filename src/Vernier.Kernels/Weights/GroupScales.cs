using System.Diagnostics.CodeAnalysis;

namespace Vernier.Kernels;

/// <summary>The scales of a <see cref="PackedMatrix"/>: one scale and one offset for each row and group of columns,
/// effective weight = scale * code + offset. A zero point z is the offset -scale * z, a minimum m is the offset m, so multiplying
/// both by one factor scales the weight in either kind of format. A task of PEQA is one of these; to switch tasks, assign it.
/// Kept in fp32, or after <see cref="Narrow"/> in fp16, perhaps with factors of rows and of groups, until somebody asks for them to change them.
/// Scales in fp16 never change, so copies share them: a task of factors holds little more than its factors.</summary>
public sealed unsafe class GroupScales : IDisposable
{
    // Whole vectors may be read behind the last row.
    private const int SpareHalves = 16;

    // The largest relative error of rounding to a half that is not subnormal.
    private const float HalfUlp = 1f / 2048;

    // That products with factors of rows take together.
    private const int RowsAtOnce = 4;

    private readonly Lock _gate = new();
    private NativeBuffer<float>? _scale, _offset; // both null while narrow
    private SharedHalves? _halves;
    private NativeBuffer<float>? _rowFactors, _groupFactors; // of narrow scales; null = ones
    private float _uniformZero;
    private bool _looked;
    private bool _wereHalves; // and became floats to be changed

    /// <param name="rows">Output features.</param>
    /// <param name="groups">Groups of columns in a row.</param>
    public GroupScales(int rows, int groups)
        : this(rows, groups, staysFloat: true)
    {
    }

    /// <param name="staysFloat">False = <see cref="Narrow"/> will be called, so that the floats should leave no gap among the weights.</param>
    internal GroupScales(int rows, int groups, bool staysFloat)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(groups);
        Rows = rows;
        Groups = groups;
        (_scale, _offset) = (Floats(staysFloat), Floats(staysFloat));
    }

    private GroupScales(GroupScales source)
    {
        (Rows, Groups, _uniformZero, _looked, _wereHalves) = (source.Rows, source.Groups, source._uniformZero, source._looked, source._wereHalves);
        (_scale, _offset) = (Copy(source._scale), Copy(source._offset));
        _halves = source._halves?.Share();
        (_rowFactors, _groupFactors) = (Copy(source._rowFactors), Copy(source._groupFactors));
    }

    public int Rows { get; }

    public int Groups { get; }

    /// <summary>[rows, groups], row-major. Ask for it again before each change.</summary>
    public NativeBuffer<float> Scale => Changing(isScale: true);

    /// <summary>[rows, groups], row-major. Ask for it again before each change.</summary>
    public NativeBuffer<float> Offset => Changing(isScale: false);

    /// <summary>Bytes held, those that copies share among them.</summary>
    public long Bytes => _halves is not null
        ? sizeof(ushort) * (_halves.Scale.Length + (_halves.Offset?.Length ?? 0)) + sizeof(float) * ((_rowFactors?.Length ?? 0) + (_groupFactors?.Length ?? 0))
        : 2L * Rows * Groups * sizeof(float);

    /// <summary>Bytes that an integer product with a token reads: no offsets where <see cref="UniformZero"/> stands for them.</summary>
    internal long BytesRead => IsNarrow || float.IsNaN(UniformZero) ? Bytes : Bytes / 2;

    /// <summary>Whether the scales are in fp16 now.</summary>
    internal bool IsNarrow => _halves is not null;

    /// <summary>The scales, to be read: of <see cref="Half"/> while <see cref="IsNarrow"/>, else of float.</summary>
    internal void* ScalePointer => _halves is not null ? _halves.Scale.Pointer : _scale!.Pointer;

    /// <summary>The offsets, to be read, of the same type; null where they are not kept, being -<see cref="UniformZero"/> times the scales.</summary>
    internal void* OffsetPointer => _halves is null ? _offset!.Pointer : _halves.Offset is null ? null : _halves.Offset.Pointer;

    /// <summary>[rows] and [groups]: what scales and offsets are to be multiplied by; null = ones.</summary>
    internal float* RowFactors => _rowFactors is null ? null : _rowFactors.Pointer;

    /// <inheritdoc cref="RowFactors"/>
    internal float* GroupFactors => _groupFactors is null ? null : _groupFactors.Pointer;

    /// <summary>The zero point z where every offset is -z times its scale to the last bit (Q4_0, Q8_0, symmetric grids), so that products
    /// need not read the offsets; else NaN. Looked for once after scales were handed out to be changed.</summary>
    internal float UniformZero
    {
        get
        {
            if (!_looked)
                (_uniformZero, _looked) = (FindUniformZero(), true);
            return _uniformZero;
        }
    }

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

    /// <summary>Keeps the scales in fp16 from now on if that loses no bit, as for block formats, which store them so. Not while others read them.</summary>
    /// <returns>Whether it does.</returns>
    public bool Narrow()
    {
        lock (_gate)
        {
            if (IsNarrow)
                return true;
            var count = (long)Rows * Groups;
            var scale = Halves();
            var offset = HasUniformOffsets() ? null : Halves();
            for (long at = 0; at < count; at += Groups)
                if (!HalfConversion.NarrowExactly(_scale!.Slice(at, Groups), scale.Slice(at, Groups))
                    || offset is not null && !HalfConversion.NarrowExactly(_offset!.Slice(at, Groups), offset.Slice(at, Groups)))
                {
                    scale.Dispose();
                    offset?.Dispose();
                    Settle();
                    return false;
                }
            _scale!.Dispose();
            _offset!.Dispose();
            (_scale, _offset, _halves) = (null, null, new SharedHalves(scale, offset));
            return true;
        }
    }

    /// <summary>Rounds scales that were in fp16 before they were changed to it again, as a GGUF file holds them, so that a task with a scale for every group
    /// is read as fast as its base, and computes what its exported file does. Not where a half is too coarse: a scale's error would exceed
    /// 2⁻¹¹ of itself, or an offset's 2⁻¹¹ of the larger of it and the scale. Not while others read them.</summary>
    /// <returns>Whether the scales are in fp16 now; else none of them has changed.</returns>
    public bool Round()
    {
        lock (_gate)
        {
            if (IsNarrow || !_wereHalves)
                return IsNarrow;
            for (long i = 0; i < _scale!.Length; i++)
            {
                var (scale, offset) = (_scale.Pointer[i], _offset!.Pointer[i]);
                if (!(Error(scale) <= HalfUlp * MathF.Abs(scale)) || !(Error(offset) <= HalfUlp * MathF.Max(MathF.Abs(offset), MathF.Abs(scale))))
                    return false;
            }
            for (long i = 0; i < _scale.Length; i++)
                (_scale.Pointer[i], _offset!.Pointer[i]) = ((float)(Half)_scale.Pointer[i], (float)(Half)_offset.Pointer[i]);
            _looked = false;
            return Narrow();
        }

        static float Error(float value) => MathF.Abs((float)(Half)value - value);
    }

    /// <summary>Keeps the scales in fp32 from now on, as to ask for them does. Not while others read them.</summary>
    public void Widen()
    {
        lock (_gate)
        {
            if (!IsNarrow)
                return;
            var (scale, offset) = (Floats(), Floats());
            Read(0, checked(Rows * Groups), scale.Pointer, offset.Pointer);
            var (halves, rowFactors, groupFactors) = (_halves, _rowFactors, _groupFactors);
            (_scale, _offset, _halves, _rowFactors, _groupFactors) = (scale, offset, null, null, null);
            _wereHalves = true;
            halves!.Release();
            rowFactors?.Dispose();
            groupFactors?.Dispose();
        }
    }

    /// <summary>Multiplies scales and offsets that are in fp16 by (row * column), which is kept beside them: products take rows' factors into
    /// what comes out and groups' factors into what goes in.</summary>
    /// <param name="row">[rows]; empty = ones.</param>
    /// <param name="column">[groups]; empty = ones.</param>
    /// <returns>Whether it was done: not where scales are in fp32, have factors already, or rows do not come in fours.</returns>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public bool Factor(ReadOnlySpan<float> row, ReadOnlySpan<float> column)
    {
        if (!row.IsEmpty && row.Length != Rows || !column.IsEmpty && column.Length != Groups)
            throw new ArgumentException($"Factors of {row.Length} rows and {column.Length} groups for scales of {Rows} rows and {Groups} groups.", nameof(row));
        if (!IsNarrow || _rowFactors is not null || _groupFactors is not null || Rows % RowsAtOnce != 0)
            return false;
        (_rowFactors, _groupFactors) = (Factors(row), Factors(column));
        return true;

        static NativeBuffer<float>? Factors(ReadOnlySpan<float> values)
        {
            if (values.IsEmpty)
                return null;
            var factors = new NativeBuffer<float>(values.Length);
            values.CopyTo(factors.Span);
            return factors;
        }
    }

    /// <summary>A copy: to change one does not change the other.</summary>
    public GroupScales Clone() => new(this);

    public void Dispose()
    {
        _scale?.Dispose();
        _offset?.Dispose();
        _halves?.Release();
        _halves = null;
        _rowFactors?.Dispose();
        _groupFactors?.Dispose();
    }

    /// <summary>The scales and offsets of neighbouring groups from the <paramref name="first"/> of all rows on.</summary>
    internal void Read(long first, int count, float* scale, float* offset)
    {
        if (_halves is null)
        {
            new ReadOnlySpan<float>(_scale!.Pointer + first, count).CopyTo(new Span<float>(scale, count));
            new ReadOnlySpan<float>(_offset!.Pointer + first, count).CopyTo(new Span<float>(offset, count));
            return;
        }
        HalfConversion.Widen(_halves.Scale.Pointer + first, count, scale);
        if (_halves.Offset is not null)
            HalfConversion.Widen(_halves.Offset.Pointer + first, count, offset);
        else
            for (var i = 0; i < count; i++)
                offset[i] = -_uniformZero * scale[i];
        if (_rowFactors is null && _groupFactors is null)
            return;
        for (var i = 0; i < count; i++)
        {
            var factor = (_rowFactors is null ? 1 : RowFactors[(first + i) / Groups]) * (_groupFactors is null ? 1 : GroupFactors[(first + i) % Groups]);
            scale[i] *= factor;
            offset[i] *= factor;
        }
    }

    // Floats that will not become halves lie among the weights.
    private void Settle()
    {
        var (scale, offset) = (Copy(_scale!), Copy(_offset!));
        _scale!.Dispose();
        _offset!.Dispose();
        (_scale, _offset) = (scale, offset);
    }

    private NativeBuffer<float> Changing(bool isScale)
    {
        lock (_gate)
        {
            Widen();
            _looked = false;
            return isScale ? _scale! : _offset!;
        }
    }

    private NativeBuffer<float> Floats(bool isWeight = true) => new((long)Rows * Groups, isWeight);

    private NativeBuffer<Half> Halves() => new((long)Rows * Groups + SpareHalves, isWeight: true);

    [return: NotNullIfNotNull(nameof(source))]
    private static NativeBuffer<T>? Copy<T>(NativeBuffer<T>? source)
        where T : unmanaged
    {
        if (source is null)
            return null;
        var copy = new NativeBuffer<T>(source.Length, isWeight: true);
        source.Span.CopyTo(copy.Span);
        return copy;
    }

    // As UniformZero, but to the sign of zeros.
    private bool HasUniformOffsets()
    {
        if (float.IsNaN(UniformZero))
            return false;
        for (long i = 0; i < _scale!.Length; i++)
            if (BitConverter.SingleToInt32Bits(_offset!.Pointer[i]) != BitConverter.SingleToInt32Bits(-_uniformZero * _scale.Pointer[i]))
                return false;
        return true;
    }

    private float FindUniformZero()
    {
        var scale = _scale!.Pointer;
        var offset = _offset!.Pointer;
        var zero = float.NaN;
        for (long i = 0; i < _scale.Length; i++)
        {
            if (scale[i] == 0 && offset[i] == 0)
                continue;
            if (float.IsNaN(zero))
                zero = MathF.Round(-offset[i] / scale[i]);
            if (!(offset[i] == -zero * scale[i]))
                return float.NaN;
        }
        return zero;
    }

    /// <summary>Scales and offsets in fp16 that several sets hold; the last one to let go frees them.</summary>
    /// <param name="scale">[rows, groups] and room for whole vectors behind them.</param>
    /// <param name="offset">The same; null where all offsets are -<see cref="UniformZero"/> times the scales.</param>
    private sealed class SharedHalves(NativeBuffer<Half> scale, NativeBuffer<Half>? offset)
    {
        private int _holders = 1;

        public NativeBuffer<Half> Scale => scale;

        public NativeBuffer<Half>? Offset => offset;

        public SharedHalves Share()
        {
            Interlocked.Increment(ref _holders);
            return this;
        }

        public void Release()
        {
            if (Interlocked.Decrement(ref _holders) > 0)
                return;
            scale.Dispose();
            offset?.Dispose();
        }
    }
}
