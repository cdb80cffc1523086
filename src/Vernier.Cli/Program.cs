using Vernier.Cli;
using Vernier.Cli.Terminal;

Screen.Guard();
if (args is ["help", ..])
    args = [.. args[1..], "--help"]; // as git and dotnet have it
return await ErrorReport.RunAsync(CommandTree.Create(args.FirstOrDefault()), args);
