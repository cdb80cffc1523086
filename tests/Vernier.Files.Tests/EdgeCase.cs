using System.Text.Json.Nodes;
using Vernier.TestSupport;

namespace Vernier.Files.Tests;

/// <summary>One file of goldens/formats/edge with what a reader must do with it.</summary>
public sealed record EdgeCase(string Path, string Expect, string Why, JsonNode Node)
{
    private const long MaxAllocation = 64 << 20;

    /// <summary>The file names of a kind, as rows of a theory.</summary>
    public static TheoryData<string> Names(string kind)
    {
        var rows = new TheoryData<string>();
        foreach (var place in SharedFiles.Folders($"goldens/formats/edge/{kind}"))
            foreach (var path in List(place).Select(node => System.IO.Path.Combine(place, (string)node!["file"]!)).Where(path => !SharedFiles.IsCopy(path)))
                rows.Add(SharedFiles.NameOf(path));
        return rows;
    }

    public static EdgeCase Find(string name)
    {
        var path = SharedFiles.At(name);
        var node = List(System.IO.Path.GetDirectoryName(path)!).First(n => (string)n!["file"]! == System.IO.Path.GetFileName(path))!;
        return new EdgeCase(path, (string)node["expect"]!, (string)node["why"]!, node);
    }

    /// <summary>Opens the file; what comes back is null where it was refused in an allowed way.</summary>
    public T? Open<T>(Func<string, T> open)
        where T : class
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        T? opened = null;
        try
        {
            opened = open(Path);
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException)
        {
            Assert.True(Expect != "accept", $"refused, but {Why}: {e.Message}");
            Assert.StartsWith(Path + ":", e.Message);
        }
        Assert.True(opened is null || Expect != "reject", $"accepted: {Why}");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxAllocation);
        return opened;
    }

    private static JsonArray List(string place) => JsonNode.Parse(File.ReadAllText(System.IO.Path.Combine(place, "cases.json")))!.AsArray();
}
