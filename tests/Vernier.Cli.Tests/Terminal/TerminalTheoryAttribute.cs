namespace Vernier.Cli.Tests.Terminal;

/// <summary>Needs a pseudo terminal.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TerminalTheoryAttribute : TheoryAttribute
{
    public TerminalTheoryAttribute() => Skip = PseudoTerminal.Missing;
}
