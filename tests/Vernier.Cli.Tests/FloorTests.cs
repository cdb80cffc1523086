namespace Vernier.Cli.Tests;

/// <summary>
/// The rooms (folders) of each project stand on the floors that docs/architecture.md states, and a room uses rooms of lower floors only: so none can reach itself
/// in a circle. What a room uses is read from what is compiled.
/// </summary>
public sealed class FloorTests
{
    /// <summary>Arrows that rise or stay on a floor as things stand. None may be added, and one that is gone leaves this list.</summary>
    private static readonly string[] Debts =
    [
        "Vernier: Methods -> Methods/Full",
        "Vernier: Methods -> Methods/L4q",
        "Vernier: Methods -> Methods/Lora",
        "Vernier: Methods -> Methods/Peqa",
        "Vernier: Methods -> Methods/QaLora",
        "Vernier: Methods -> Methods/Qat",
        "Vernier: Methods -> Methods/QatLora",
        "Vernier: Methods -> Methods/Qlora",
    ];

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
        var rising = graph.Arrows.Where(a => floors[a.Key.To] >= floors[a.Key.From]).ToDictionary(a => $"{project}: {a.Key.From} -> {a.Key.To}", a => a.Value);
        var unknown = rising.Where(a => !Debts.Contains(a.Key)).OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key}: {Reason(graph, floors, a.Value)}");
        Assert.True(!unknown.Any(), $"rooms that use a room not below them:\n{string.Join('\n', unknown)}");
        Assert.Empty(Debts.Where(d => d.StartsWith($"{project}:", StringComparison.Ordinal)).Except(rising.Keys));
    }

    [Theory, MemberData(nameof(Projects))]
    public void NamespacesAreFolders(string project) =>
        Assert.All(FolderGraph.Of(project).Types, t =>
        {
            var folder = t.Folder == "." ? project : $"{project}.{t.Folder.Replace('/', '.')}";
            Assert.Equal(Shared.FirstOrDefault(name => folder.StartsWith($"{name}.", StringComparison.Ordinal)) ?? folder, t.Namespace);
        });

    /// <summary>The types between which the arrow runs, and the way back if there is one.</summary>
    private static string Reason(FolderGraph graph, IReadOnlyDictionary<string, int> floors, Mention mention)
    {
        var back = graph.Chain(mention.To.Folder, mention.From.Folder);
        return $"{mention}, floor {floors[mention.From.Folder]} to {floors[mention.To.Folder]}" + (back.Count == 0 ? "" : $"; back by {string.Join(", ", back)}");
    }
}
