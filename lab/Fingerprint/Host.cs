using System.Reflection;
using System.Runtime.Loader;
using System.Text.Json;

namespace Vernier.Fingerprint;

/// <summary>The program of a build in this process, so that what it starts with is compiled once for many jobs.</summary>
internal static class Host
{
    /// <summary>Does the jobs of a list in the current folder, one line of arguments each, and writes a line with each one's exit code.</summary>
    /// <param name="program">Path of the program's assembly.</param>
    public static int Serve(string program, string list, string codes)
    {
        var main = new BuildContext(program).LoadFromAssemblyPath(program).EntryPoint ?? throw new InvalidOperationException($"{program} is no program");
        using var written = new StreamWriter(codes) { AutoFlush = true };
        var (output, error) = (Console.Out, Console.Error);
        foreach (var line in File.ReadLines(list))
        {
            Console.SetOut(output);
            Console.SetError(error);
            written.WriteLine(main.Invoke(null, [JsonSerializer.Deserialize<string[]>(line)]));
        }
        return 0;
    }

    /// <summary>The build's own libraries, wherever it lies.</summary>
    private sealed class BuildContext(string program) : AssemblyLoadContext("build")
    {
        private readonly AssemblyDependencyResolver _resolver = new(program);

        protected override Assembly? Load(AssemblyName assemblyName) => _resolver.ResolveAssemblyToPath(assemblyName) is { } path ? LoadFromAssemblyPath(path) : null;
    }
}
