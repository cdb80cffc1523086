namespace Vernier.Cli.Tests;

/// <summary>A folder that goes when the test ends.</summary>
public abstract class TemporaryFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("vernier-cli-").FullName;

    protected string At(string name) => Path.Combine(_path, name);

    protected string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    public void Dispose()
    {
        Directory.Delete(_path, recursive: true);
        GC.SuppressFinalize(this);
    }
}
