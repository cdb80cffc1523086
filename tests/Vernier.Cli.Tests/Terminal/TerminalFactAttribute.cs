namespace Vernier.Cli.Tests.Terminal;

/// <summary>Needs a pseudo terminal.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TerminalFactAttribute : FactAttribute
{
    public TerminalFactAttribute() => Skip = PseudoTerminal.Missing;
}
