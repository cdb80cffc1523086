using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vernier.Kernels;

/// <summary>Numbered pieces of a job, of which every worker has a share that it takes from the front, large parts first; who has finished helps the
/// others from behind.
/// For jobs that memory bounds, where equal shares do not take equal time. Only for pieces whose results do not depend on who makes them,
/// nor on what is taken together.</summary>
internal sealed unsafe class WorkShares(int workers) : IDisposable
{
    private readonly NativeBuffer<Share> _shares = new(workers);
    private int _least = 1;

    /// <summary>Deals out the pieces. Not while workers take them.</summary>
    /// <param name="pieces">How many there are.</param>
    /// <param name="least">Pieces that are worth taking.</param>
    public void Deal(int pieces, int least)
    {
        _least = workers == 1 ? pieces : Math.Max(1, least);
        for (var i = 0; i < workers; i++)
        {
            var (start, end) = WorkSplit.Share(pieces, i, workers);
            _shares.Pointer[i].Rest = Pack(start, end);
        }
    }

    /// <summary>The next pieces of a worker's share, or of another one's when it is used up.</summary>
    /// <returns>Whether there were any.</returns>
    public bool Take(int worker, out int start, out int end)
    {
        for (var i = 0; i < workers; i++)
        {
            ref var rest = ref _shares.Pointer[(worker + i) % workers].Rest;
            for (var seen = Volatile.Read(ref rest); ;)
            {
                (start, end) = ((int)(seen >> 32), (int)seen);
                if (start >= end)
                    break;
                // A worker that is held up must leave something to take, one that helps leaves as much as it takes.
                var part = Math.Min(end - start, Math.Max(_least, (end - start) / (i == 0 ? 4 : 2)));
                var middle = i == 0 ? start + part : end - part;
                var left = i == 0 ? Pack(middle, end) : Pack(start, middle);
                var now = Interlocked.CompareExchange(ref rest, left, seen);
                if (now == seen)
                {
                    (start, end) = i == 0 ? (start, middle) : (middle, end);
                    return true;
                }
                seen = now;
            }
        }
        (start, end) = (0, 0);
        return false;
    }

    public void Dispose() => _shares.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Pack(int start, int end) => (long)start << 32 | (uint)end;

    // Two lines of the cache each, for they are fetched in pairs.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Share
    {
        [FieldOffset(0)]
        public long Rest;
    }
}
