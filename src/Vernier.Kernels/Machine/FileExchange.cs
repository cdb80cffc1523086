using System.Runtime.InteropServices;

namespace Vernier.Kernels;

/// <summary>Two paths change names in one step, where the system can: no moment at which either name is missing.</summary>
internal static partial class FileExchange
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint Exchange = 2; // RENAME_EXCHANGE

    /// <returns>False where the system or the file system cannot; nothing was changed then.</returns>
    public static bool Try(string a, string b)
    {
        try
        {
            return OperatingSystem.IsLinux() && RenameAt2(CurrentFolder, a, CurrentFolder, b, Exchange) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt2(int fromFolder, string from, int toFolder, string to, uint flags);
}
