namespace Vernier.Kernels;

/// <summary>Scales in fp32 that may be changed: what tuning writes, and what a matrix has while it is being made. They belong to one matrix.</summary>
internal sealed unsafe class TunedScales : IDisposable
{
    // The largest relative error of rounding to a half that is not subnormal.
    private const float HalfUlp = 1f / 2048;

    private readonly NativeBuffer<float> _scale, _offset;
    private readonly bool _startsAsHalves;
    private float _uniformZero;
    private bool _zeroIsKnown;

    /// <summary>Zeros.</summary>
    /// <param name="rows">Output features.</param>
    /// <param name="groups">Groups of columns in a row.</param>
    public TunedScales(int rows, int groups)
        : this(rows, groups, staysFloat: true)
    {
    }

    /// <summary>A copy, from which tuning starts.</summary>
    public TunedScales(ScaleView start)
        : this(start.Rows, start.Groups)
    {
        start.Read(0, checked(Rows * Groups), _scale.Pointer, _offset.Pointer);
        _startsAsHalves = start.IsHalf || start.Tuned is { _startsAsHalves: true };
    }

    /// <param name="staysFloat">False = <see cref="ToHalves"/> will be called, so that the floats should leave no gap among the weights.</param>
    internal TunedScales(int rows, int groups, bool staysFloat)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(groups);
        (Rows, Groups) = (rows, groups);
        (_scale, _offset) = (new((long)rows * groups, staysFloat), new((long)rows * groups, staysFloat));
    }

    /// <summary>Output features.</summary>
    public int Rows { get; }

    /// <summary>Groups of columns in a row.</summary>
    public int Groups { get; }

    /// <summary>[rows, groups], row-major, to be changed. Ask for it again before each change; to read, take <see cref="View"/>.</summary>
    public NativeBuffer<float> Scale => Changing(_scale);

    /// <summary>[rows, groups], row-major, to be changed. Ask for it again before each change; to read, take <see cref="View"/>.</summary>
    public NativeBuffer<float> Offset => Changing(_offset);

    /// <summary>To be read.</summary>
    public ScaleView View => new(this);

    /// <summary>Scales of neighbouring groups from the <paramref name="start"/> of all rows on, to be read.</summary>
    public ReadOnlySpan<float> ReadScale(long start, int length) => _scale.Slice(start, length);

    /// <summary>Bytes held.</summary>
    public long Bytes => sizeof(float) * (_scale.Length + _offset.Length);

    /// <inheritdoc cref="ScaleView.UniformZero"/>
    internal float UniformZero
    {
        get
        {
            if (!_zeroIsKnown)
                (_uniformZero, _zeroIsKnown) = (FindUniformZero(), true);
            return _uniformZero;
        }
    }

    /// <inheritdoc cref="ScaleView.ScalePointer"/>
    internal float* ScalePointer => _scale.Pointer;

    /// <inheritdoc cref="ScaleView.OffsetPointer"/>
    internal float* OffsetPointer => _offset.Pointer;

    /// <summary>Rounds scales that started in fp16 to it again, as a GGUF file holds them, so that a task with a scale for every group is read as fast
    /// as its base, and computes what its exported file does. Not where a half is too coarse: a scale's error would exceed 2⁻¹¹ of itself, or an offset's
    /// 2⁻¹¹ of the larger of it and the scale.</summary>
    /// <returns>Null where that is so, or where the scales did not start in fp16. These ones do not change.</returns>
    public StoredScales? Rounded()
    {
        if (!_startsAsHalves)
            return null;
        for (long i = 0; i < _scale.Length; i++)
        {
            var (scale, offset) = (_scale.Pointer[i], _offset.Pointer[i]);
            if (!(Error(scale) <= HalfUlp * MathF.Abs(scale)) || !(Error(offset) <= HalfUlp * MathF.Max(MathF.Abs(offset), MathF.Abs(scale))))
                return null;
        }
        using var rounded = new TunedScales(Rows, Groups, staysFloat: false);
        for (long i = 0; i < _scale.Length; i++)
            (rounded._scale.Pointer[i], rounded._offset.Pointer[i]) = ((float)(Half)_scale.Pointer[i], (float)(Half)_offset.Pointer[i]);
        return rounded.ToHalves();

        static float Error(float value) => MathF.Abs((float)(Half)value - value);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _scale.Dispose();
        _offset.Dispose();
    }

    /// <summary>The same scales in fp16; null where a bit would be lost.</summary>
    internal StoredScales? ToHalves() => StoredScales.InHalves(Rows, Groups, UniformZero, _scale, _offset);

    /// <summary>The same scales in fp32, not to be changed any more.</summary>
    internal StoredScales ToStored() => new(Rows, Groups, UniformZero, InSlab(_scale), InSlab(_offset));

    // Floats that last lie among the weights.
    private static NativeBuffer<float> InSlab(NativeBuffer<float> values)
    {
        if (values.IsWeight)
            return values.Share();
        var copy = new NativeBuffer<float>(values.Length, isWeight: true);
        values.Span.CopyTo(copy.Span);
        return copy;
    }

    private NativeBuffer<float> Changing(NativeBuffer<float> values)
    {
        _zeroIsKnown = false;
        return values;
    }

    private float FindUniformZero()
    {
        var scale = _scale.Pointer;
        var offset = _offset.Pointer;
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
}
