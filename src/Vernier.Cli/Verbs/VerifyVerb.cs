using System.CommandLine;
using System.Globalization;
using Vernier.Cli.Arguments;
using Vernier.Inspection;

namespace Vernier.Cli.Verbs;

/// <summary><c>verify A B</c>: proves that B has A's codes, and says which scales differ and by how much. Exit code 1 when the codes differ, or the tensors of models without codes.</summary>
internal static class VerifyVerb
{
    private const int DifferencesShown = 20;

    public static Command Create()
    {
        var (command, common) = CommonOptions.NewCommand("verify", "Prove that one model has the integer codes of another, or, where neither has any, the same tensors");
        var first = new Argument<string>("A") { Description = "A .gguf file or a model folder" };
        var second = new Argument<string>("B") { Description = "The model to compare with it" };
        command.Add(first);
        command.Add(second);
        command.SetAction((parsed, stop) =>
        {
            var options = new LoadOptions { Threads = parsed.GetValue(common.Threads) };
            using var a = ModelLoading.Load(parsed.GetRequiredValue(first), options);
            using var b = ModelLoading.Load(parsed.GetRequiredValue(second), options);
            var result = CodeComparison.Of(a, b, stop);
            var json = parsed.GetValue(common.Json);
            if (json != "-")
                Print(result);
            JsonResult.Write(json, result);
            return Task.FromResult(result.Holds ? 0 : 1);
        });
        return command;
    }

    private static void Print(CodeComparison result)
    {
        Console.Out.WriteLine(result switch
        {
            { CodesEqual: true } => "codes equal",
            { CodesEqual: false } => "codes NOT equal",
            { TensorsEqual: true } => $"no integer codes in either; all {result.TensorsTotal} tensors equal",
            _ => $"no integer codes in either; {result.TensorsChanged} of {result.TensorsTotal} tensors differ",
        });
        foreach (var difference in result.Differences.Take(DifferencesShown))
            Console.Out.WriteLine($"  {difference}");
        if (result.Differences.Count > DifferencesShown)
            Console.Out.WriteLine($"  and {result.Differences.Count - DifferencesShown} more");
        if (result.CodesEqual is null)
            return;
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"scales changed: {result.ScalesChanged} of {result.ScalesTotal}, by at most {result.MaxRelativeChange:P2} of their value"));
        Console.Out.WriteLine(result.TensorsEqual ? $"tensors without codes: all {result.TensorsTotal} equal" : $"tensors without codes: {result.TensorsChanged} of {result.TensorsTotal} differ");
    }
}
