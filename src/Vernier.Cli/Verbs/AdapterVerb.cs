using System.CommandLine;
using System.Globalization;
using Vernier.Adapters;
using Vernier.Cli.Arguments;
using Vernier.Tuning;

namespace Vernier.Cli.Verbs;

/// <summary><c>adapter info DIR</c>, <c>adapter diff A B</c>, <c>adapter interpolate A B --weight W --out DIR</c>: adapters without a model.</summary>
internal static class AdapterVerb
{
    public static Command Create()
    {
        var (command, common) = CommonOptions.NewCommand("adapter", "Show, compare and interpolate adapters");
        foreach (var option in (Option[])[common.Json, common.Threads, common.Seed, common.Force])
            option.Recursive = true;
        command.Add(Info(common));
        command.Add(Diff(common));
        command.Add(Interpolate(common));
        return command;
    }

    private static Command Info(CommonOptions common)
    {
        var command = new Command("info", "Show what made an adapter, on which codes, and what it holds");
        var folder = Folder("DIR", "Adapter folder");
        command.Add(folder);
        command.SetAction(parsed =>
        {
            var adapter = Adapter.Load(parsed.GetRequiredValue(folder));
            var (config, options) = (adapter.Config, adapter.Config.Options);
            var tensors = adapter.Tensors.Values.OrderBy(t => t.Name, StringComparer.Ordinal).ToList();
            var result = new
            {
                options.Method,
                config.BaseModel,
                config.BaseCodesSha256,
                config.TunedCodesSha256,
                config.Version,
                Options = RunFile.Values(options).ToDictionary(o => o.Name, o => o.Value),
                Parameters = tensors.Sum(t => (long)t.Values.Length),
                Tensors = tensors.Select(t => new { t.Name, t.Shape, Smallest = t.Values.DefaultIfEmpty().Min(), Largest = t.Values.DefaultIfEmpty().Max() }),
            };
            if (parsed.GetValue(common.Json) != "-")
            {
                Console.Out.WriteLine($"{options.Method} on {config.BaseModel ?? "a model that is not named"}, {(config.Version is { } version ? $"by Vernier {version}" : "made elsewhere")}");
                Console.Out.WriteLine($"codes of the base {config.BaseCodesSha256 ?? "none"}, tuned on {config.TunedCodesSha256 ?? "none"}");
                foreach (var (name, value) in result.Options)
                    Console.Out.WriteLine($"  {name}: {value}");
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Parameters:N0} values in {tensors.Count} tensors"));
            }
            JsonResult.Write(parsed.GetValue(common.Json), result);
            return 0;
        });
        return command;
    }

    private static Command Diff(CommonOptions common)
    {
        var command = new Command("diff", "Compare two adapters tensor by tensor; exit code 1 when they differ");
        var (a, b) = (Folder("A", "Adapter folder"), Folder("B", "The adapter to compare with it"));
        command.Add(a);
        command.Add(b);
        command.SetAction(parsed =>
        {
            var result = AdapterDifference.Of(Adapter.Load(parsed.GetRequiredValue(a)), Adapter.Load(parsed.GetRequiredValue(b)));
            if (parsed.GetValue(common.Json) != "-")
                Print(result);
            JsonResult.Write(parsed.GetValue(common.Json), result);
            return result.Equal ? 0 : 1;
        });
        return command;
    }

    private static Command Interpolate(CommonOptions common)
    {
        var command = new Command("interpolate", "Write the task between two: factors geometrically, low-rank changes exactly, all else linearly");
        var (a, b) = (Folder("A", "Adapter folder: weight 0"), Folder("B", "Adapter folder: weight 1"));
        var weight = NumberOption.Real("--weight", "Share of B; below 0 and above 1 it leads beyond them", "[-100, 100]");
        weight.Required = true;
        var output = new Option<string>("--out") { Description = "Adapter folder to write", HelpName = "DIR", Required = true }.Marked(OutputKind.Folder);
        command.Add(a);
        command.Add(b);
        command.Add(weight);
        command.Add(output);
        command.SetAction(parsed =>
        {
            var (first, second, folder) = (parsed.GetRequiredValue(a), parsed.GetRequiredValue(b), parsed.GetRequiredValue(output));
            var adapter = AdapterInterpolation.Of(Adapter.Load(first), Adapter.Load(second), parsed.GetRequiredValue(weight));
            adapter.Save(folder);
            if (parsed.GetValue(common.Json) != "-")
                Console.Out.WriteLine($"adapter in {folder}");
            JsonResult.Write(parsed.GetValue(common.Json), new { Path = folder, adapter.Config.Options.Method, Weight = parsed.GetRequiredValue(weight), Tensors = adapter.Tensors.Count });
            return 0;
        });
        return command;
    }

    private static void Print(AdapterDifference result)
    {
        var c = CultureInfo.InvariantCulture;
        Console.Out.WriteLine(result.Equal ? "equal" : "different");
        if (!result.SameMethod)
            Console.Out.WriteLine("made by different methods");
        if (!result.SameCodes)
            Console.Out.WriteLine("tuned on different codes");
        foreach (var t in result.Tensors.Where(t => t.Only is not null || t.Changed > 0))
            Console.Out.WriteLine(t.Only is { } only ? $"  {t.Name}: only in {only}" : string.Create(c, $"  {t.Name}: {t.Changed} of {t.Values} values differ, by {t.RootMeanSquare:G4} rms, {t.Largest:G4} at most"));
    }

    private static Argument<string> Folder(string name, string description) => new(name) { Description = description };
}
