using System.Runtime.InteropServices;

namespace Vernier.Kernels;

/// <summary>Memory whose last byte is the last before a page that may not be touched, so that a read or a write past the end ends the process there and
/// then, and whose bytes in front of the first are checked when it is freed. For tests: <see cref="AreOn"/>.</summary>
internal static unsafe partial class GuardPages
{
    private const byte InFront = 0xA5;
    private const int None = 0;
    private const int ReadWrite = 1 | 2;
    private const int PrivateAnonymous = 0x02 | 0x20;

    private static bool s_areOn;

    /// <summary>Whether every <see cref="NativeBuffer{T}"/> that is made from now on lies so. Stays false where the system is not Linux.</summary>
    public static bool AreOn
    {
        get => s_areOn;
        set => s_areOn = value && OperatingSystem.IsLinux();
    }

    private static nuint Page { get; } = (nuint)Environment.SystemPageSize;

    /// <summary>A zeroed piece. It is aligned no better than its size allows.</summary>
    /// <exception cref="OutOfMemoryException">The system refused.</exception>
    public static void* Allocate(nuint bytes)
    {
        var room = Room(bytes);
        var start = (byte*)Map(null, room + Page, None, PrivateAnonymous, -1, 0);
        if (start == (void*)-1 || room > 0 && Protect(start, room, ReadWrite) != 0)
            throw new OutOfMemoryException($"The system has no {bytes} bytes to give.");
        new Span<byte>(start, (int)(room - bytes)).Fill(InFront);
        return start + (room - bytes);
    }

    /// <summary>Frees a piece.</summary>
    /// <exception cref="InvalidOperationException">Somebody wrote in front of it.</exception>
    public static void Free(void* piece, nuint bytes)
    {
        var room = Room(bytes);
        var start = (byte*)piece - (room - bytes);
        var isWhole = !new ReadOnlySpan<byte>(start, (int)(room - bytes)).ContainsAnyExcept(InFront);
        _ = Unmap(start, room + Page);
        if (!isWhole)
            throw new InvalidOperationException($"Bytes in front of a block of {bytes} were written.");
    }

    private static nuint Room(nuint bytes) => checked(bytes + Page - 1) & ~(Page - 1);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}
