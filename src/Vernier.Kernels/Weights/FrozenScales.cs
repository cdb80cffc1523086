namespace Vernier.Kernels;

/// <summary>Scales that are only read again: a copy of <see cref="GroupScales"/> in fp16 where that keeps every bit, as it does for block formats,
/// which store them so, else in fp32.</summary>
public sealed class FrozenScales : IDisposable
{
    private readonly GroupScales _scales;

    public FrozenScales(GroupScales source)
    {
        ArgumentNullException.ThrowIfNull(source);
        _scales = source.Clone();
        _scales.Narrow();
    }

    public int Rows => _scales.Rows;

    public int Groups => _scales.Groups;

    /// <summary>The scales and offsets of one row.</summary>
    /// <param name="scale">[groups].</param>
    /// <param name="offset">[groups].</param>
    public void ReadRow(int row, Span<float> scale, Span<float> offset) => _scales.ReadRow(row, scale, offset);

    /// <summary>The same scales, to be changed.</summary>
    public GroupScales Thaw() => _scales.Clone();

    public void Dispose() => _scales.Dispose();
}
