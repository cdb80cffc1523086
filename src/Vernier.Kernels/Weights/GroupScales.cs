namespace Vernier.Kernels;

/// <summary>The scales of a <see cref="PackedMatrix"/>: one scale and one offset for each row and group of columns,
/// effective weight = scale * code + offset. A zero point z is the offset -scale * z, a minimum m is the offset m, so multiplying
/// both by one factor scales the weight in either kind of format. A task of PEQA is one of these; to switch tasks, assign it.</summary>
public sealed unsafe class GroupScales : IDisposable
{
    private readonly NativeBuffer<float> _scale, _offset;
    private float _uniformZero;
    private bool _looked;

    /// <param name="rows">Output features.</param>
    /// <param name="groups">Groups of columns in a row.</param>
    public GroupScales(int rows, int groups)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(groups);
        Rows = rows;
        Groups = groups;
        _scale = new NativeBuffer<float>((long)rows * groups, isWeight: true);
        _offset = new NativeBuffer<float>((long)rows * groups, isWeight: true);
    }

    public int Rows { get; }

    public int Groups { get; }

    /// <summary>[rows, groups], row-major. Ask for it again before each change.</summary>
    public NativeBuffer<float> Scale => Changing(_scale);

    /// <summary>[rows, groups], row-major. Ask for it again before each change.</summary>
    public NativeBuffer<float> Offset => Changing(_offset);

    /// <summary>The scales, to be read.</summary>
    internal float* ScalePointer => _scale.Pointer;

    /// <summary>The offsets, to be read.</summary>
    internal float* OffsetPointer => _offset.Pointer;

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

    /// <summary>A copy that shares nothing.</summary>
    public GroupScales Clone()
    {
        var copy = new GroupScales(Rows, Groups);
        _scale.Span.CopyTo(copy._scale.Span);
        _offset.Span.CopyTo(copy._offset.Span);
        return copy;
    }

    public void Dispose()
    {
        _scale.Dispose();
        _offset.Dispose();
    }

    private NativeBuffer<float> Changing(NativeBuffer<float> buffer)
    {
        _looked = false;
        return buffer;
    }

    private float FindUniformZero()
    {
        var scale = ScalePointer;
        var offset = OffsetPointer;
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
