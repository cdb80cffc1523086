using System.CommandLine;
using System.CommandLine.Help;
using Vernier.Cli.Help;

namespace Vernier.Cli.Verbs;

/// <summary>The root command with the verbs in it.</summary>
internal static class CommandTree
{
    /// <param name="first">The first word of the command line. Where it is a verb, that verb alone is built: the options of all together take longer to make than
    /// some verbs run.</param>
    public static RootCommand Create(string? first = null)
    {
        var root = new RootCommand("Vernier fine-tunes language models that are already quantized, by turning only their scales");
        var page = new HelpPage();
        root.Options.OfType<HelpOption>().Single().Action = page;
        root.SetAction(page.Invoke); // vernier alone
        var asked = VerbList.All.Where(verb => verb.Name == first).ToList();
        foreach (var verb in asked.Count > 0 ? asked : VerbList.All)
        {
            var command = verb.Create();
            Completions.AddTo(command);
            root.Add(command);
        }
        return root;
    }
}
