using System.Runtime.InteropServices;

namespace Vernier.Kernels;

/// <summary>Zeroed blocks straight from Linux, which has them back at once when they are freed; the C heap would keep them for itself.
/// Large ones lie on 2 MB pages where it grants them: a weight that streams through the caches then costs one address translation in 512.</summary>
internal static unsafe partial class HugePages
{
    /// <summary>Smaller blocks come from the C heap.</summary>
    public const nuint Threshold = 256 << 10;

    // From here on a block of 2 MB pages wastes little at its end.
    public const nuint LargeThreshold = 4 << 20;
    private const nuint PageBytes = 2 << 20;
    private const nuint SmallPageBytes = 4 << 10;
    private const int ReadWrite = 1 | 2;
    private const int PrivateAnonymous = 0x02 | 0x20;
    private const int AdviseHugePage = 14;

    /// <summary>Whether a block of this size comes from here.</summary>
    public static bool Serves(nuint bytes) => OperatingSystem.IsLinux() && bytes >= Threshold;

    /// <summary>A zeroed block that starts on a page boundary, of 2 MB when it is large.</summary>
    /// <exception cref="OutOfMemoryException">The system refused.</exception>
    public static void* Allocate(nuint bytes)
    {
        var size = RoundUp(bytes);
        var spare = bytes < LargeThreshold ? 0 : PageBytes;
        var mapped = Map(null, checked(size + spare), ReadWrite, PrivateAnonymous, -1, 0);
        if (mapped == (void*)-1)
            throw new OutOfMemoryException($"The system has no {bytes} bytes to give.");
        if (spare == 0)
            return mapped;
        var start = (nuint)mapped;
        var aligned = (start + PageBytes - 1) & ~(PageBytes - 1);
        if (aligned > start)
            _ = Unmap((void*)start, aligned - start);
        var tail = start + PageBytes - aligned;
        if (tail > 0)
            _ = Unmap((void*)(aligned + size), tail);
        _ = Advise((void*)aligned, size, AdviseHugePage); // only advice: without it the block is merely slower
        return (void*)aligned;
    }

    public static void Free(void* block, nuint bytes) => _ = Unmap(block, RoundUp(bytes));

    private static nuint RoundUp(nuint bytes)
    {
        var page = bytes < LargeThreshold ? SmallPageBytes : PageBytes;
        return checked(bytes + page - 1) & ~(page - 1);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
