namespace Vernier.Kernels;

/// <summary>Scales that are only read again: a copy of <see cref="GroupScales"/> in fp16 where that keeps every bit, as it does for block formats,
/// which store them so, else in fp32.</summary>
public sealed class FrozenScales : IDisposable
{
    private readonly NativeBuffer<Half>? _halves; // all scales, then all offsets
    private readonly GroupScales? _floats;

    public FrozenScales(GroupScales source)
    {
        ArgumentNullException.ThrowIfNull(source);
        (Rows, Groups) = (source.Rows, source.Groups);
        _halves = new NativeBuffer<Half>(2L * Rows * Groups);
        var (scale, offset) = (new float[Groups], new float[Groups]);
        for (var row = 0; row < Rows; row++)
        {
            var at = (long)row * Groups;
            source.ReadRow(row, scale, offset);
            if (HalfConversion.NarrowExactly(scale, _halves.Slice(at, Groups)) && HalfConversion.NarrowExactly(offset, _halves.Slice((long)Rows * Groups + at, Groups)))
                continue;
            _halves.Dispose();
            (_halves, _floats) = (null, source.Clone());
            return;
        }
    }

    public int Rows { get; }

    public int Groups { get; }

    /// <summary>The scales and offsets of one row.</summary>
    /// <param name="scale">[groups].</param>
    /// <param name="offset">[groups].</param>
    public void ReadRow(int row, Span<float> scale, Span<float> offset)
    {
        var at = (long)row * Groups;
        if (_floats is not null)
        {
            _floats.ReadRow(row, scale, offset);
            return;
        }
        HalfConversion.Widen(_halves!.Slice(at, Groups), scale);
        HalfConversion.Widen(_halves.Slice((long)Rows * Groups + at, Groups), offset);
    }

    /// <summary>The same scales, to be changed.</summary>
    public GroupScales Thaw()
    {
        var scales = new GroupScales(Rows, Groups);
        for (var row = 0; row < Rows; row++)
            ReadRow(row, scales.Scale.Slice((long)row * Groups, Groups), scales.Offset.Slice((long)row * Groups, Groups));
        return scales;
    }

    public void Dispose()
    {
        _halves?.Dispose();
        _floats?.Dispose();
    }
}
