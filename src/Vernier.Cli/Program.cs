using System.CommandLine;
using Vernier.Cli;
using Vernier.Cli.Verbs;

var root = new RootCommand("Vernier fine-tunes language models that are already quantized, by turning only their scales.");
foreach (var verb in VerbList.All)
    root.Add(verb.Create());
return await ErrorReport.RunAsync(root, args);
