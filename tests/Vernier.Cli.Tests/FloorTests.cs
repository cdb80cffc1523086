namespace Vernier.Cli.Tests;

/// <summary>
/// The rooms (folders) of each project stand on the floors that docs/architecture.md states, and a room uses rooms of lower floors only: so none can reach itself
/// in a circle. What a room uses is read from what is compiled.
/// </summary>
public sealed class FloorTests
{
    /// <summary>Namespaces that all folders below theirs share.</summary>
    private static readonly string[] Shared = ["Vernier.Kernels", "Vernier.Models"];

    public static TheoryData<string> Projects => ["Vernier.Kernels", "Vernier.Files", "Vernier", "Vernier.Cli"];

    [Theory, MemberData(nameof(Projects))]
    public void EveryRoomHasItsFloor(string project)
    {
        var rooms = FolderGraph.Of(project).Types.Select(t => t.Folder).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(rooms, Floors.Of(project).Keys.Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Projects))]
    public void ARoomUsesLowerFloorsOnly(string project)
    {
        var graph = FolderGraph.Of(project);
        var floors = Floors.Of(project);
        var rising = graph.Arrows.Where(a => floors[a.Key.To] >= floors[a.Key.From]).Select(a => $"{a.Key.From} -> {a.Key.To}: {Reason(graph, floors, a.Value)}").Order(StringComparer.Ordinal).ToList();
        Assert.True(rising.Count == 0, $"rooms that use a room not below them:\n{string.Join('\n', rising)}");
    }

    [Theory, MemberData(nameof(Projects))]
    public void NamespacesAreFolders(string project) =>
        Assert.All(FolderGraph.Of(project).Types, t =>
        {
            var folder = t.Folder == "." ? project : $"{project}.{t.Folder.Replace('/', '.')}";
            var expected = folder == "Vernier.Methods" ? "Vernier.Tuning" : Shared.FirstOrDefault(name => folder.StartsWith($"{name}.", StringComparison.Ordinal)) ?? folder;
            Assert.Equal(expected, t.Namespace);
        });

    /// <summary>The types between which the arrow runs, and the way back if there is one.</summary>
    private static string Reason(FolderGraph graph, IReadOnlyDictionary<string, int> floors, Mention mention)
    {
        var back = graph.Chain(mention.To.Folder, mention.From.Folder);
        return $"{mention}, floor {floors[mention.From.Folder]} to {floors[mention.To.Folder]}" + (back.Count == 0 ? "" : $"; back by {string.Join(", ", back)}");
    }
}
