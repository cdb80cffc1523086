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
        foreach (var node in List(kind))
            rows.Add((string)node!["file"]!);
        return rows;
    }

    public static EdgeCase Find(string kind, string file)
    {
        var node = List(kind).First(n => (string)n!["file"]! == file)!;
        return new EdgeCase(SharedFiles.At($"goldens/formats/edge/{kind}/{file}"), (string)node["expect"]!, (string)node["why"]!, node);
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

    private static JsonArray List(string kind)
    {
        var path = $"goldens/formats/edge/{kind}/cases.json";
        return SharedFiles.WhyMissing(path) is null ? JsonNode.Parse(File.ReadAllText(SharedFiles.At(path)))!.AsArray() : [];
    }
}
