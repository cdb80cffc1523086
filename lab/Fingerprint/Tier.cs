using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Fingerprint;

/// <summary>Instruction sets and threads under which a set of runs is done.</summary>
/// <param name="Name">Begins the names of its hashes.</param>
/// <param name="Switch">Environment variable that is set to 0; null = what the machine has.</param>
/// <param name="Whole">All runs, or those whose results depend on the tier.</param>
internal sealed record Tier(string Name, string? Switch, int Threads, bool Whole)
{
    public static IReadOnlyList<Tier> All { get; } =
    [
        new("default-2", null, 2, Whole: true),
        new("default-1", null, 1, Whole: false),
        new("no-avx512-2", "DOTNET_EnableAVX512", 2, Whole: false),
        new("no-avx2-2", "DOTNET_EnableAVX2", 2, Whole: false),
        new("scalar-2", "DOTNET_EnableHWIntrinsic", 2, Whole: false),
    ];

    /// <summary>What the machine has of that which kernels ask for.</summary>
    public static string Machine { get; } = string.Join(' ', Sets().Where(s => s.Has).Select(s => s.Name).Prepend($"{RuntimeInformation.ProcessArchitecture}"));

    private static (string Name, bool Has)[] Sets() =>
    [
        ("avx2", Avx2.IsSupported),
        ("fma", Fma.IsSupported),
        ("avx512", Avx512F.IsSupported && Avx512BW.IsSupported),
        ("avx512-vnni", Has("avx512_vnni")),
        ("avx-vnni", Has("avx_vnni")),
        ("neon", AdvSimd.IsSupported),
        ("dotprod", Dp.IsSupported),
    ];

    private static bool Has(string flag) =>
        File.Exists("/proc/cpuinfo") && File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal)) is { } flags && flags.Split(' ').Contains(flag);
}
