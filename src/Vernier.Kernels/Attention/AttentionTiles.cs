using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>How attention is cut: into units of a sequence, a key/value head and a block of queries (with all query heads that
/// share the head), in that order, and each unit into tiles of keys. A worker owns a run of units of about equal cost.</summary>
internal unsafe struct AttentionTiles
{
    /// <summary>Queries in a block, a multiple of <see cref="TileProduct.RowGrain"/>.</summary>
    public const int Queries = 48;

    /// <summary>Keys in a tile, a multiple of every tier's column grain and of <see cref="TileProduct.RowGrain"/>.</summary>
    public const int Keys = 96;

    public AttentionShape Shape;

    /// <summary>[Sequences + 1], token bounds of the queries.</summary>
    public int* Starts;

    public int Sequences;

    /// <summary>Keys before the first query; then there is one sequence.</summary>
    public int Past;

    /// <summary>The sum of all units' costs.</summary>
    public long Cost;

    public AttentionTiles(in AttentionShape shape, int* starts, int sequences, int past)
    {
        Shape = shape;
        Starts = starts;
        Sequences = sequences;
        Past = past;
        for (var s = 0; s < sequences; s++)
            for (var b = 0; b < Blocks(s); b++)
                Cost += UnitCost(s, b) * shape.KvHeads;
    }

    /// <summary>Floating-point multiplications of one product over all tiles.</summary>
    public readonly long Work => Cost * Keys * Queries * Shape.Group * Shape.HeadDim;

    public readonly int LongestKeys
    {
        get
        {
            var longest = 0;
            for (var s = 0; s < Sequences; s++)
                longest = Math.Max(longest, KeyCount(s));
            return longest;
        }
    }

    public readonly int KeyCount(int sequence) => Starts[sequence + 1] - Starts[sequence] + Past;

    /// <summary>Blocks of queries in a sequence.</summary>
    public readonly int Blocks(int sequence) => (Starts[sequence + 1] - Starts[sequence] + Queries - 1) / Queries;

    /// <summary>The tiles of keys that a block of queries sees, [first, end).</summary>
    public readonly (int First, int End) Tiles(int sequence, int block)
    {
        var last = Math.Min(KeyCount(sequence), Past + (block + 1) * Queries) - 1;
        return (Shape.FirstKey(Past + block * Queries) / Keys, last / Keys + 1);
    }

    /// <summary>The part [first, end) of one tile's keys that the query at a position sees; empty when end ≤ first.</summary>
    public readonly (int First, int End) Visible(int position, int tile) =>
        (Math.Max(0, Shape.FirstKey(position) - tile * Keys), Math.Min(Keys, position + 1 - tile * Keys));

    public readonly long UnitCost(int sequence, int block)
    {
        var (first, end) = Tiles(sequence, block);
        return end - first;
    }

    /// <summary>The worker that owns a unit, given the cost of all units before it.</summary>
    public readonly int Owner(long before, long cost, int workers) => (int)((2 * before + cost) * workers / (2 * Cost));

    /// <summary>Width of a packed row: the head's channels, padded to the tier's column grain.</summary>
    public readonly int Width<V>()
        where V : unmanaged, ILanes<V>
    {
        var grain = TileProduct.ColumnGrain<V>();
        return (Shape.HeadDim + grain - 1) / grain * grain;
    }

    /// <summary>Copies rows of channels times a factor into a tile [rows, width], zero beyond the channels.</summary>
    [MethodImpl(Kernel.Body)]
    public static void PackRows<V, T>(T* source, long sourceRow, int rows, int channels, float factor, float* destination, int width)
        where V : unmanaged, ILanes<V>
        where T : unmanaged
    {
        for (var r = 0; r < rows; r++, source += sourceRow, destination += width)
        {
            var c = 0;
            for (; c <= channels - V.Count; c += V.Count)
                (LaneMath.Load<V, T>(source + c) * V.Create(factor)).Store(destination + c);
            for (; c < channels; c++)
                destination[c] = ToSingle(source[c]) * factor;
            for (; c < width; c++)
                destination[c] = 0f;
        }
    }

    /// <summary>Copies rows of channels into the columns of a tile [channels, Keys], zero beyond the rows.</summary>
    [MethodImpl(Kernel.Body)]
    public static void PackColumns<T>(T* source, long sourceRow, int rows, int channels, float* destination)
        where T : unmanaged
    {
        // four rows at once: each store line is written in whole quarters while the reads stay sequential
        var r = 0;
        for (; r <= rows - 4; r += 4)
        {
            var a = source + r * sourceRow;
            var b = a + sourceRow;
            var c = b + sourceRow;
            var d = c + sourceRow;
            for (var i = 0; i < channels; i++)
            {
                var column = destination + i * Keys + r;
                (column[0], column[1], column[2], column[3]) = (ToSingle(a[i]), ToSingle(b[i]), ToSingle(c[i]), ToSingle(d[i]));
            }
        }
        for (; r < rows; r++)
            for (var i = 0; i < channels; i++)
                destination[i * Keys + r] = ToSingle(source[r * sourceRow + i]);
        if (rows < Keys)
            for (var i = 0; i < channels; i++)
                new Span<float>(destination + i * Keys + rows, Keys - rows).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToSingle<T>(T value)
        where T : unmanaged =>
        typeof(T) == typeof(Half) ? (float)Unsafe.BitCast<T, Half>(value) : Unsafe.BitCast<T, float>(value);
}
