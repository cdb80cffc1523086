using System.Numerics;

namespace Vernier.Kernels;

/// <summary>Sums over the columns of a group, and dot products cut at the groups' bounds.</summary>
internal static class GroupSums
{
    /// <summary>destination [rows, groups] = sums of x [rows, columns] over each group of columns.</summary>
    /// <param name="groupSize">Columns of a group; the last one may be shorter.</param>
    public static void Pool(ReadOnlySpan<float> x, int rows, int columns, int groupSize, Span<float> destination)
    {
        var groups = (columns + groupSize - 1) / groupSize;
        ArgumentOutOfRangeException.ThrowIfLessThan(x.Length, checked(rows * columns), nameof(x));
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, checked(rows * groups), nameof(destination));
        for (var row = 0; row < rows; row++)
            for (var group = 0; group < groups; group++)
            {
                var first = group * groupSize;
                destination[row * groups + group] = Sum(x.Slice(row * columns + first, Math.Min(groupSize, columns - first)));
            }
    }

    /// <summary>destination [rows, groups] = sums of x [rows, columns] over the columns of each group of a weight.</summary>
    public static void Pool(ReadOnlySpan<float> x, int rows, PackedMatrix weight, Span<float> destination)
    {
        var index = weight.GroupIndex;
        if (index.IsEmpty)
        {
            Pool(x, rows, weight.Columns, weight.GroupSize, destination);
            return;
        }
        destination = destination[..(rows * weight.Groups)];
        destination.Clear();
        for (var row = 0; row < rows; row++)
        {
            var sums = destination.Slice(row * weight.Groups, weight.Groups);
            for (var c = 0; c < weight.Columns; c++)
                sums[index[c]] += x[row * weight.Columns + c];
        }
    }

    /// <summary>destination [group] += Σ a · b over the columns of each group of a weight, for a run of columns that starts anywhere in a row.</summary>
    /// <param name="column">Column of the first element.</param>
    /// <param name="destination">[groups], one row's sums.</param>
    public static void AccumulateDots(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int column, PackedMatrix weight, Span<float> destination)
    {
        if (weight.GroupIndex.IsEmpty)
        {
            AccumulateDots(a, b, column, weight.GroupSize, destination);
            return;
        }
        var groups = weight.GroupIndex.Slice(column, a.Length);
        for (var c = 0; c < a.Length; c++)
            destination[groups[c]] += a[c] * b[c];
    }

    /// <summary>destination [group] += Σ a · b over the columns of the group, for a run of columns that starts anywhere in a row.</summary>
    /// <param name="column">Column of the first element.</param>
    /// <param name="destination">[groups], one row's sums.</param>
    public static void AccumulateDots(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int column, int groupSize, Span<float> destination)
    {
        for (var c = 0; c < a.Length;)
        {
            var group = (column + c) / groupSize;
            var length = Math.Min((group + 1) * groupSize - column - c, a.Length - c);
            destination[group] += Dot(a.Slice(c, length), b.Slice(c, length));
            c += length;
        }
    }

    /// <summary>Σ values.</summary>
    public static float Sum(ReadOnlySpan<float> values)
    {
        var sum = 0f;
        var i = 0;
        if (Vector.IsHardwareAccelerated && values.Length >= Vector<float>.Count)
        {
            var sums = Vector<float>.Zero;
            for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
                sums += new Vector<float>(values[i..]);
            sum = Vector.Sum(sums);
        }
        for (; i < values.Length; i++)
            sum += values[i];
        return sum;
    }

    /// <summary>Σ a · b.</summary>
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sum = 0f;
        var i = 0;
        if (Vector.IsHardwareAccelerated && a.Length >= Vector<float>.Count)
        {
            var sums = Vector<float>.Zero;
            for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
                sums = Vector.FusedMultiplyAdd(new Vector<float>(a[i..]), new Vector<float>(b[i..]), sums);
            sum = Vector.Sum(sums);
        }
        for (; i < a.Length; i++)
            sum = MathF.FusedMultiplyAdd(a[i], b[i], sum);
        return sum;
    }
}
