namespace Vernier.Cli.Tests.Terminal;

/// <summary>As <see cref="ShellFactAttribute"/>, with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ShellTheoryAttribute : TheoryAttribute
{
    public ShellTheoryAttribute() => Skip = ShellFactAttribute.Reason;
}
