namespace Vernier.Cli.Tests;

/// <summary>Needs what only Unix has: /dev, pipes with names, hard links by a command.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute() => Skip = OperatingSystem.IsWindows() ? "Windows has no /dev" : null;
}
