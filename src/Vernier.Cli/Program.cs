using System.CommandLine;
using Vernier.Cli;
using Vernier.Cli.Terminal;
using Vernier.Cli.Verbs;

Screen.Guard();
var root = new RootCommand("Vernier fine-tunes language models that are already quantized, by turning only their scales.");
// Only the verb that is asked for is built, all of them for help: their options together take longer to make than some verbs run.
var asked = VerbList.All.Where(verb => verb.Name == args.FirstOrDefault()).ToList();
foreach (var verb in asked.Count > 0 ? asked : VerbList.All)
    root.Add(verb.Create());
return await ErrorReport.RunAsync(root, args);
