namespace Vernier.Kernels;

/// <summary>How work is cut: equal shares for the workers, and sizes in whole multiples.</summary>
internal static class WorkSplit
{
    /// <summary>The part of [0, <paramref name="count"/>) that belongs to a worker, cut at multiples of <paramref name="grain"/>.</summary>
    public static (int Start, int End) Share(int count, int worker, int workers, int grain = 1)
    {
        var grains = ((long)count + grain - 1) / grain;
        var start = grains * worker / workers * grain;
        var end = grains * (worker + 1) / workers * grain;
        return ((int)Math.Min(start, count), (int)Math.Min(end, count));
    }

    /// <summary>The least multiple that is no less than the value.</summary>
    public static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
