namespace Vernier.Kernels;

/// <summary>Memory for weights that are each too small for large pages of their own: they lie one behind the other, in the order in which
/// they are made and read, in blocks of <see cref="SlabBytes"/>. A block is given back when nothing in it is in use any more.</summary>
internal static unsafe class WeightSlabs
{
    private const nuint SlabBytes = 32 << 20;
    private const nuint Smallest = 16 << 10;
    private const nuint Alignment = 64;

    private static readonly Lock s_gate = new();
    private static readonly Dictionary<nuint, int> s_used = []; // blocks by their start, with the number of their pieces in use
    private static nuint s_current, s_next;

    /// <summary>Whether a piece of this size comes from here.</summary>
    public static bool Serves(nuint bytes) => bytes >= Smallest && !HugePages.Serves(bytes) && HugePages.Serves(SlabBytes);

    /// <summary>A zeroed piece, 64-byte aligned.</summary>
    /// <exception cref="OutOfMemoryException">The system refused.</exception>
    public static void* Allocate(nuint bytes)
    {
        var size = (bytes + Alignment - 1) & ~(Alignment - 1);
        lock (s_gate)
        {
            if (s_current == 0 || s_next + size > s_current + SlabBytes)
            {
                var slab = (nuint)HugePages.Allocate(SlabBytes);
                if (s_current != 0 && s_used[s_current] == 0)
                    Release(s_current);
                (s_current, s_next) = (slab, slab);
                s_used[slab] = 0;
            }
            var piece = s_next;
            s_next += size;
            s_used[s_current]++;
            return (void*)piece;
        }
    }

    public static void Free(void* piece)
    {
        lock (s_gate)
        {
            var slab = Holding((nuint)piece);
            if (--s_used[slab] > 0)
                return;
            Release(slab);
            if (slab == s_current)
                s_current = 0;
        }
    }

    private static nuint Holding(nuint piece)
    {
        foreach (var slab in s_used.Keys)
            if (piece >= slab && piece < slab + SlabBytes)
                return slab;
        throw new ArgumentException("No block holds this piece.", nameof(piece));
    }

    private static void Release(nuint slab)
    {
        s_used.Remove(slab);
        HugePages.Free((void*)slab, SlabBytes);
    }
}
