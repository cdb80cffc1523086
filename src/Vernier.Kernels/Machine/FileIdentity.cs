using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Vernier.Kernels;

/// <summary>What a path leads to and which file it is, whatever it is called: a symbolic link, a hard link and another spelling of the name have the identity of
/// the file itself. Nothing is opened on Linux and macOS, so that a pipe cannot make it wait.</summary>
/// <param name="Kind">Device and Node are 0 where it is missing, or where the system does not say them.</param>
/// <param name="Device">The file system.</param>
/// <param name="Node">The file's number in it.</param>
internal readonly partial record struct FileIdentity(FileKind Kind, ulong Device, ulong Node)
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint TypeAndNode = 0x101; // STATX_TYPE | STATX_INO
    private const int TypeMask = 0xF000, FolderType = 0x4000, RegularType = 0x8000;

    /// <summary>Both are there and are the same file or folder.</summary>
    public bool IsSameAs(FileIdentity other) => Kind != FileKind.Missing && Node != 0 && this == other;

    /// <summary>Looks at a path; links are followed.</summary>
    public static FileIdentity Of(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            if (OperatingSystem.IsLinux())
                return OnLinux(path);
            if (OperatingSystem.IsMacOS())
                return OnMac(path);
            if (OperatingSystem.IsWindows())
                return OnWindows(path);
        }
        catch (EntryPointNotFoundException)
        {
            // an older C library: the kind is still known
        }
        return new(KindOf(path), 0, 0);
    }

    private static FileKind KindOf(string path) => Directory.Exists(path) ? FileKind.Folder : File.Exists(path) ? FileKind.Regular : FileKind.Missing;

    private static FileKind KindOf(int mode) => (mode & TypeMask) switch { FolderType => FileKind.Folder, RegularType => FileKind.Regular, _ => FileKind.Special };

    private static FileIdentity OnLinux(string path)
    {
        Span<byte> about = stackalloc byte[256]; // struct statx is the same on every processor
        about.Clear();
        if (StatX(CurrentFolder, path, 0, TypeAndNode, ref MemoryMarshal.GetReference(about)) != 0)
            return default;
        var device = (ulong)BinaryPrimitives.ReadUInt32LittleEndian(about[136..]) << 32 | BinaryPrimitives.ReadUInt32LittleEndian(about[140..]);
        return new(KindOf(BinaryPrimitives.ReadUInt16LittleEndian(about[28..])), device, BinaryPrimitives.ReadUInt64LittleEndian(about[32..]));
    }

    private static FileIdentity OnMac(string path)
    {
        Span<byte> about = stackalloc byte[256]; // struct stat has 144 bytes
        about.Clear();
        ref var start = ref MemoryMarshal.GetReference(about);
        if ((RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? StatMac(path, ref start) : StatMacX64(path, ref start)) != 0)
            return default;
        return new(KindOf(BinaryPrimitives.ReadUInt16LittleEndian(about[4..])), BinaryPrimitives.ReadUInt32LittleEndian(about), BinaryPrimitives.ReadUInt64LittleEndian(about[8..]));
    }

    private static FileIdentity OnWindows(string path)
    {
        var kind = KindOf(path);
        if (kind != FileKind.Regular)
            return new(kind, 0, 0);
        try
        {
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            Span<byte> about = stackalloc byte[52]; // BY_HANDLE_FILE_INFORMATION
            if (!GetFileInformationByHandle(handle, ref MemoryMarshal.GetReference(about)))
                return new(kind, 0, 0);
            var node = (ulong)BinaryPrimitives.ReadUInt32LittleEndian(about[44..]) << 32 | BinaryPrimitives.ReadUInt32LittleEndian(about[48..]);
            return new(kind, BinaryPrimitives.ReadUInt32LittleEndian(about[28..]), node);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(kind, 0, 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int folder, string path, int flags, uint mask, ref byte about);

    [LibraryImport("libc", EntryPoint = "stat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatMac(string path, ref byte about);

    [LibraryImport("libc", EntryPoint = "stat$INODE64", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatMacX64(string path, ref byte about);

    [LibraryImport("kernel32", EntryPoint = "GetFileInformationByHandle")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetFileInformationByHandle(Microsoft.Win32.SafeHandles.SafeFileHandle handle, ref byte about);
}
