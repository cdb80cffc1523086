using Vernier.Cli.Terminal;
using Vernier.Cli.Verbs;

namespace Vernier.Cli;

internal static class Program
{
    private static Task<int> Main(string[] args)
    {
        Screen.Guard();
        if (args is ["help", ..])
            args = [.. args[1..], "--help"]; // as git and dotnet have it
        return ErrorReport.RunAsync(CommandTree.Create(args.FirstOrDefault()), args);
    }
}
