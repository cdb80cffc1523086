using System.Diagnostics;
using System.Globalization;

namespace Vernier.Tuning;

/// <summary>Resident memory of this process.</summary>
internal static class ResidentMemory
{
    /// <summary>Bytes resident now.</summary>
    public static long Current => Status("VmRSS:") ?? Environment.WorkingSet;

    /// <summary>Largest number of bytes resident so far.</summary>
    public static long Peak
    {
        get
        {
            if (Status("VmHWM:") is { } peak)
                return peak;
            using var process = Process.GetCurrentProcess();
            return process.PeakWorkingSet64;
        }
    }

    /// <summary>Bytes that could be taken now without swapping.</summary>
    public static long Available
    {
        get
        {
            var info = GC.GetGCMemoryInfo();
            return Line("/proc/meminfo", "MemAvailable:") ?? info.TotalAvailableMemoryBytes - info.MemoryLoadBytes;
        }
    }

    /// <summary>A line of Linux' <c>/proc/self/status</c>, in bytes; null elsewhere.</summary>
    private static long? Status(string key) => Line("/proc/self/status", key);

    private static long? Line(string path, string key)
    {
        if (!OperatingSystem.IsLinux() || !File.Exists(path))
            return null;
        foreach (var line in File.ReadLines(path))
            if (line.StartsWith(key, StringComparison.Ordinal))
                return 1024 * long.Parse(line.AsSpan(key.Length).Trim().ToString().Split(' ')[0], CultureInfo.InvariantCulture);
        return null;
    }
}
