using Vernier.Cli;
using Vernier.Cli.Terminal;

Screen.Guard();
return await ErrorReport.RunAsync(CommandTree.Create(args.FirstOrDefault()), args);
