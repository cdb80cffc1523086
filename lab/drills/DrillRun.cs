namespace Vernier.Drills;

/// <summary>A drill under way: its folder, its chance and its count.</summary>
internal sealed class DrillRun(string name, int count, DrillOptions options) : IDisposable
{
    public int Count => count;

    public int Done { get; set; }

    public string Summary { get; set; } = "";

    public string? Only => options.Only;

    public double Slack => options.Slack;

    public Random Random { get; } = new(options.Seed);

    public string Folder { get; } = Directory.CreateTempSubdirectory($"vernier-{name}-").FullName;

    public string At(string path) => Path.Combine(Folder, path);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
