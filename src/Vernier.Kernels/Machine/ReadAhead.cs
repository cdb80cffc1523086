using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Prefetches memory that is read soon, so that it comes while other work is done.</summary>
internal static unsafe class ReadAhead
{
    private const int Line = 64;
    private const int MostBytes = 32768; // more would push out what is needed before

    /// <summary>Prefetches the beginning of a span.</summary>
    public static void Begin<T>(ReadOnlySpan<T> memory)
        where T : unmanaged
    {
        if (!Sse.IsSupported)
            return;
        var bytes = MemoryMarshal.AsBytes(memory[..Math.Min(memory.Length, MostBytes / sizeof(T))]);
        fixed (byte* start = bytes)
            for (var at = 0; at < bytes.Length; at += Line)
                Sse.Prefetch0(start + at);
    }
}
