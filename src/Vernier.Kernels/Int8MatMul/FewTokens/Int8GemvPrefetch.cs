using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>What the products of one token prefetch: the packed rows stream by once, in order. Codes come to the second-level
/// cache from far ahead, and then near. Prefetches are dropped while the processor's queue of them is full, and a line that was dropped stalls the products
/// for as long as memory takes, so that codes are prefetched a second time halfway.</summary>
internal static unsafe class Int8GemvPrefetch
{
    /// <summary>Bytes of codes from what is multiplied to what is prefetched: far enough to hide a read of memory that two threads share,
    /// near enough to be there still.</summary>
    public const int Bytes = 4096;

    private const int HalfwayBytes = 8192;
    private const int FarBytes = 16384;
    private const int Line = 64;

    /// <summary>Prefetches the codes that come later, one line of the cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Codes(byte* codes)
    {
        Sse.Prefetch0(codes + Bytes);
        Sse.Prefetch1(codes + HalfwayBytes);
        Sse.Prefetch1(codes + FarBytes);
    }

    /// <summary>The same where arithmetic takes longer than memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CodesOnce(byte* codes) => Sse.Prefetch0(codes + Bytes);

    /// <summary>Prefetches the scales and offsets of some rows, <see cref="Int8GemvRows.Ahead"/> of these.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales<TScales>(in Int8GemvRows rows, int row, int count)
        where TScales : struct, IGemvScales
    {
        var ahead = TScales.Bytes(((long)row + rows.Ahead) * rows.Groups);
        var bytes = TScales.Bytes((long)count * rows.Groups);
        Fetch((byte*)rows.Scale + ahead, bytes);
        if (rows.Offset != rows.Scale)
            Fetch((byte*)rows.Offset + ahead, bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(byte* from, long bytes)
    {
        for (var end = from + bytes; from < end; from += Line)
            Sse.Prefetch0(from);
    }
}
