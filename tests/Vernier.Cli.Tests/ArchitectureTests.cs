using System.Xml.Linq;
using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>What holds the projects apart: references point one way, unsafe code is in one place, tests mirror the sources.</summary>
public sealed class ArchitectureTests
{
    /// <summary>From the bottom: each may use those before it.</summary>
    private static readonly string[] Layers = ["Vernier.Kernels", "Vernier.Files", "Vernier", "Vernier.Cli"];

    /// <summary>Test folders that serve several source folders: reference files, and the quantized layers of all formats by one set of cases.</summary>
    private static readonly string[] SharedTestFolders = ["Goldens", "Quantized"];

    [Fact]
    public void ReferencesPointOneWay()
    {
        foreach (var (layer, name) in Layers.Index())
        {
            var references = Project($"src/{name}/{name}.csproj").Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!)).ToList();
            Assert.All(references, r => Assert.Contains(r, Layers[..layer]));
        }
    }

    [Fact]
    public void LoadedAssembliesReferenceOnlyThoseBelow()
    {
        // A project reference can be missing and the assembly still come in by way of another: what is compiled counts.
        foreach (var (layer, name) in Layers.Index())
        {
            var references = System.Reflection.Assembly.Load(name).GetReferencedAssemblies().Select(a => a.Name!).Where(a => a.StartsWith("Vernier", StringComparison.Ordinal));
            Assert.All(references, r => Assert.Contains(r, Layers[..layer]));
        }
    }

    [Fact]
    public void OnlyTheKernelsAreUnsafe()
    {
        foreach (var path in Directory.EnumerateFiles(Checkout.At("src"), "*.csproj", SearchOption.AllDirectories))
        {
            var allows = XDocument.Load(path).Descendants("AllowUnsafeBlocks").Any(e => bool.Parse(e.Value));
            Assert.True(!allows || Path.GetFileNameWithoutExtension(path) == "Vernier.Kernels", $"{path} allows unsafe code");
        }
        Assert.Empty(Project("Directory.Build.props").Descendants("AllowUnsafeBlocks"));
    }

    /// <summary>Tests of no one project: what is exported, opened by llama.cpp.</summary>
    private const string OtherReader = "Vernier.LlamaCpp.Tests";

    [Fact]
    public void TestsMirrorTheSources()
    {
        foreach (var name in Layers)
            Assert.True(File.Exists(Checkout.At($"tests/{name}.Tests/{name}.Tests.csproj")), $"{name} has no tests");
        foreach (var tests in Directory.EnumerateDirectories(Checkout.At("tests"), "*.Tests").Where(tests => Path.GetFileName(tests) != OtherReader))
        {
            var sources = Checkout.At($"src/{Path.GetFileName(tests)[..^".Tests".Length]}");
            Assert.True(Directory.Exists(sources), $"{tests} tests no project");
            foreach (var folder in Directory.EnumerateFiles(tests, "*Tests.cs", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(tests, Path.GetDirectoryName(f)!)).Distinct())
                if (!folder.StartsWith("bin", StringComparison.Ordinal) && !folder.StartsWith("obj", StringComparison.Ordinal) && !SharedTestFolders.Contains(folder))
                    Assert.True(Directory.Exists(Path.Combine(sources, folder)), $"{tests}/{folder} has tests, {sources}/{folder} does not exist");
        }
    }

    [Fact]
    public void EveryProjectIsInTheSolution()
    {
        var listed = Project("Vernier.slnx").Descendants("Project").Select(p => Path.GetFullPath(Checkout.At((string)p.Attribute("Path")!))).ToHashSet();
        var projects = ((string[])["src", "tests", "bench", "samples"]).SelectMany(f => Directory.EnumerateFiles(Checkout.At(f), "*.csproj", SearchOption.AllDirectories))
            .Where(p => !p.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"));
        Assert.All(projects, p => Assert.Contains(Path.GetFullPath(p), listed));
    }

    private static XDocument Project(string path) => XDocument.Load(Checkout.At(path));
}
