using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vernier.Kernels;

/// <summary>The order that brings the columns of a group together, where groups are any sets of columns of one size: group by group, and in a group as they
/// were. Weights with the same groups (q, k and v, or gate and up, which were quantized by the same inputs) share one object: to compare two orders, compare references.</summary>
internal sealed unsafe class ColumnOrder
{
    // One table for the process, like that of interned strings: weights of different files may have one order, and it is looked at through weak references,
    // so that it keeps nothing alive. By the hash of the groups; where two have one hash, the later one.
    private static readonly Dictionary<int, WeakReference<ColumnOrder>> s_known = [];

    private readonly int[] _groups;
    private readonly int[] _columns;
    private readonly int[] _places;

    private ColumnOrder(int[] groups, int[] columns)
    {
        (_groups, _columns, _places) = (groups, columns, new int[columns.Length]);
        for (var place = 0; place < columns.Length; place++)
            _places[columns[place]] = place;
    }

    /// <summary>[columns]: the group of each column.</summary>
    public ReadOnlySpan<int> Groups => _groups;

    /// <summary>[columns]: the column in each place.</summary>
    public ReadOnlySpan<int> Columns => _columns;

    /// <summary>[columns]: the place of each column.</summary>
    public ReadOnlySpan<int> Places => _places;

    /// <summary>The order for groups of columns.</summary>
    /// <param name="groups">[columns]: the group of each column.</param>
    /// <returns>Null where the columns, brought together, are not runs of <paramref name="groupSize"/>: groups of different sizes, but for a shorter last one.</returns>
    public static ColumnOrder? Of(ReadOnlySpan<int> groups, int groupSize)
    {
        HashCode hash = default;
        hash.AddBytes(MemoryMarshal.AsBytes(groups));
        var key = hash.ToHashCode();
        lock (s_known)
        {
            if (!s_known.TryGetValue(key, out var known) || !known.TryGetTarget(out var order) || !groups.SequenceEqual(order._groups))
            {
                int[] all = [.. groups];
                order = new ColumnOrder(all, [.. Enumerable.Range(0, all.Length).OrderBy(c => all[c])]); // a stable sort
                foreach (var (gone, reference) in s_known)
                    if (!reference.TryGetTarget(out _))
                        s_known.Remove(gone); // allowed while it is gone through
                s_known[key] = new(order);
            }
            for (var place = 0; place < order._columns.Length; place++)
                if (order._groups[order._columns[place]] != place / groupSize)
                    return null;
            return order;
        }
    }

    /// <summary>to [place] = from [the column in it].</summary>
    internal void Arrange(float* from, float* to)
    {
        fixed (int* columns = _columns)
            Gather(from, columns, _columns.Length, to);
    }

    /// <summary>to [column] = from [the place of it], for a tile's columns from <paramref name="column"/> on.</summary>
    internal void Restore(float* from, int column, int count, float* to)
    {
        fixed (int* places = _places)
            Gather(from, places + column, count, to);
    }

    /// <summary>The same for whole rows, or to += with <paramref name="accumulate"/>.</summary>
    internal void Restore(WorkerPool pool, float* from, int rows, float* to, bool accumulate)
    {
        var job = new RestoreJob { Order = this, From = from, Rows = rows, To = to, Accumulate = accumulate };
        pool.Run(ref job);
    }

    // One by one: the gathers of vectors are no faster.
    [MethodImpl(Kernel.Body)]
    private static void Gather(float* from, int* index, int count, float* to)
    {
        var i = 0;
        for (; i <= count - 4; i += 4)
        {
            to[i] = from[index[i]];
            to[i + 1] = from[index[i + 1]];
            to[i + 2] = from[index[i + 2]];
            to[i + 3] = from[index[i + 3]];
        }
        for (; i < count; i++)
            to[i] = from[index[i]];
    }

    [MethodImpl(Kernel.Body)]
    private static void GatherAndAdd(float* from, int* index, int count, float* to)
    {
        for (var i = 0; i < count; i++)
            to[i] += from[index[i]];
    }

    private struct RestoreJob : IParallelJob
    {
        public ColumnOrder Order;
        public float* From, To;
        public int Rows;
        public bool Accumulate;

        public readonly void Execute(int worker, int workers)
        {
            var columns = Order._places.Length;
            var (start, end) = WorkSplit.Share(Rows, worker, workers);
            fixed (int* places = Order._places)
                for (var row = start; row < end; row++)
                    if (Accumulate)
                        GatherAndAdd(From + (long)row * columns, places, columns, To + (long)row * columns);
                    else
                        Gather(From + (long)row * columns, places, columns, To + (long)row * columns);
        }
    }
}
