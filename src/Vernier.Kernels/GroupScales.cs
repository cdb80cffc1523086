namespace Vernier.Kernels;

/// <summary>The scales of a <see cref="PackedMatrix"/>: one scale and one offset for each row and group of columns,
/// effective weight = scale * code + offset. A zero point z is the offset -scale * z, a minimum m is the offset m, so multiplying
/// both by one factor scales the weight in either kind of format. A task of PEQA is one of these; to switch tasks, assign it.</summary>
public sealed class GroupScales : IDisposable
{
    /// <param name="rows">Output features.</param>
    /// <param name="groups">Groups of columns in a row.</param>
    public GroupScales(int rows, int groups)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(groups);
        Rows = rows;
        Groups = groups;
        Scale = new NativeBuffer<float>((long)rows * groups, isWeight: true);
        Offset = new NativeBuffer<float>((long)rows * groups, isWeight: true);
    }

    public int Rows { get; }

    public int Groups { get; }

    /// <summary>[rows, groups], row-major.</summary>
    public NativeBuffer<float> Scale { get; }

    /// <summary>[rows, groups], row-major.</summary>
    public NativeBuffer<float> Offset { get; }

    /// <summary>A copy that shares nothing.</summary>
    public GroupScales Clone()
    {
        var copy = new GroupScales(Rows, Groups);
        Scale.Span.CopyTo(copy.Scale.Span);
        Offset.Span.CopyTo(copy.Offset.Span);
        return copy;
    }

    public void Dispose()
    {
        Scale.Dispose();
        Offset.Dispose();
    }
}
