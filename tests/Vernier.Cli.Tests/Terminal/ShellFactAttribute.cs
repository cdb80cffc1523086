namespace Vernier.Cli.Tests.Terminal;

/// <summary>Needs a shell that closes streams, and a device that is always full.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ShellFactAttribute : FactAttribute
{
    public ShellFactAttribute() => Skip = Reason;

    public static string? Reason { get; } = !File.Exists("/bin/bash") ? "/bin/bash is not on this system" : !File.Exists("/dev/full") ? "/dev/full is not on this system" : null;
}
