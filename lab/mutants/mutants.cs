// Applies faults made by hand, one at a time, and tells which of them the tests find.
//
//   dotnet run lab/mutants/mutants.cs -- LIST TREE [NAME]
//
// LIST is a file such as kernels.txt; TREE is a clone that may be changed; NAME runs only the faults whose title contains it. A fault is
//
//   ## title
//   tests: Class1|Class2        of tests/Vernier.Kernels.Tests, or of the project that "project:" names
//   in: File.cs                 only where the text is in more than one file
//   set: NAME=VALUE             the environment of the tests, for bodies of another instruction set
//   - text as it stands, once, in src/
//   + what stands there instead
//
// A fault whose text is not found, or does not compile, ends the run with code 2: the list has to follow the sources.
using System.Diagnostics;

if (args.Length < 2)
{
    Console.Error.WriteLine("usage: mutants.cs LIST TREE [NAME]");
    return 2;
}
var tree = Path.GetFullPath(args[1]);
var faults = Fault.Read(args[0]).Where(f => args.Length < 3 || f.Title.Contains(args[2], StringComparison.OrdinalIgnoreCase)).ToList();
var (killed, survived, broken) = (0, 0, 0);
foreach (var fault in faults)
{
    var watch = Stopwatch.StartNew();
    var outcome = fault.Try(tree);
    _ = outcome switch { "killed" => killed++, "SURVIVED" => survived++, _ => broken++ };
    Console.WriteLine($"{outcome,-10} {watch.Elapsed.TotalSeconds,4:F0} s  {fault.Title}");
}
Console.WriteLine($"{faults.Count} faults: {killed} killed, {survived} survived, {broken} broken");
return broken > 0 ? 2 : survived > 0 ? 1 : 0;

internal sealed class Fault
{
    public required string Title { get; init; }

    public string Tests { get; private set; } = "";

    public string Project { get; private set; } = "Vernier.Kernels.Tests";

    public string? In { get; private set; }

    public string? Set { get; private set; }

    public string Was { get; private set; } = "";

    public string Becomes { get; private set; } = "";

    public static IEnumerable<Fault> Read(string path)
    {
        Fault? fault = null;
        foreach (var line in File.ReadLines(path))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal))
            {
                if (fault is not null)
                    yield return fault;
                fault = new Fault { Title = line[3..] };
            }
            if (fault is null || line.Length < 2)
                continue;
            _ = line.Split(' ', 2) switch
            {
                ["tests:", var value] => fault.Tests = value,
                ["project:", var value] => fault.Project = value,
                ["in:", var value] => fault.In = value,
                ["set:", var value] => fault.Set = value,
                ["-", var value] => fault.Was = value,
                ["+", var value] => fault.Becomes = value,
                _ => "",
            };
        }
        if (fault is not null)
            yield return fault;
    }

    /// <summary>killed, SURVIVED, or why the fault could not be tried.</summary>
    public string Try(string tree)
    {
        var places = Directory.EnumerateFiles(Path.Combine(tree, "src"), In ?? "*.cs", SearchOption.AllDirectories)
            .Where(p => !p.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal) && File.ReadAllText(p).Contains(Was, StringComparison.Ordinal)).ToList();
        if (places is not [var path])
            return $"in {places.Count} files";
        var source = File.ReadAllText(path);
        if (source.IndexOf(Was, StringComparison.Ordinal) != source.LastIndexOf(Was, StringComparison.Ordinal))
            return "more than once";
        try
        {
            File.WriteAllText(path, source.Replace(Was, Becomes, StringComparison.Ordinal));
            var project = Path.Combine(tree, "tests", Project);
            if (Run(tree, ["build", "-c", "Release", "-v", "q", "--nologo", "-p:TreatWarningsAsErrors=false", project]) != 0)
                return "no build";
            var filter = string.Join('|', Tests.Split('|').Select(t => $"FullyQualifiedName~{t}"));
            return Run(tree, ["test", "-c", "Release", "--no-build", "--nologo", "--filter", filter, "--blame-hang-timeout", "120s", project]) != 0 ? "killed" : "SURVIVED";
        }
        finally
        {
            File.WriteAllText(path, source);
        }
    }

    private int Run(string tree, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = tree, RedirectStandardOutput = true, RedirectStandardError = true };
        if (Set?.Split('=') is [var name, var value])
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
