namespace Vernier.Kernels;

/// <summary>Memory for weights that are each too small for large pages of their own: they lie one behind the other, in the order in which
/// they are made and read, in blocks of <see cref="SlabBytes"/>. A block is given back when nothing in it is in use any more; so codes, scales
/// in fp16 and scales in fp32, which do not live equally long, have blocks of their own. An allocator, so one for the process, as the C heap is.</summary>
internal static unsafe class WeightSlabs
{
    private const nuint SlabBytes = 32 << 20;
    private const nuint Smallest = 16 << 10;
    private const nuint Alignment = 64;

    private static readonly Lock s_gate = new();
    private static readonly Dictionary<nuint, int> s_used = []; // blocks by their start, with the number of their pieces in use
    private static readonly (nuint Current, nuint Next)[] s_open = new (nuint, nuint)[sizeof(ulong) + 1]; // by the bytes of an element

    /// <summary>Whether a piece of this size comes from here.</summary>
    public static bool Serves(nuint bytes) => bytes >= Smallest && bytes < HugePages.LargeThreshold && HugePages.Serves(SlabBytes);

    /// <summary>A zeroed piece, 64-byte aligned.</summary>
    /// <param name="elementBytes">1, 2, 4 or 8: pieces of one kind lie together.</param>
    /// <exception cref="OutOfMemoryException">The system refused.</exception>
    public static void* Allocate(nuint bytes, int elementBytes)
    {
        var size = (bytes + Alignment - 1) & ~(Alignment - 1);
        lock (s_gate)
        {
            ref var open = ref s_open[elementBytes];
            if (open.Current == 0 || open.Next + size > open.Current + SlabBytes)
            {
                var slab = (nuint)HugePages.Allocate(SlabBytes);
                open = (slab, slab);
                s_used[slab] = 0;
            }
            var piece = open.Next;
            open.Next += size;
            s_used[open.Current]++;
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
            s_used.Remove(slab);
            HugePages.Free((void*)slab, SlabBytes);
            foreach (ref var open in s_open.AsSpan())
                if (open.Current == slab)
                    open = default;
        }
    }

    private static nuint Holding(nuint piece)
    {
        foreach (var slab in s_used.Keys)
            if (piece >= slab && piece < slab + SlabBytes)
                return slab;
        throw new ArgumentException("No block holds this piece.", nameof(piece));
    }
}
