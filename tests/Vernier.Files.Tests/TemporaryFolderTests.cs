namespace Vernier.Files.Tests;

/// <summary>Tests with a folder of their own, which goes when the test ends.</summary>
public abstract class TemporaryFolderTests : IDisposable
{
    private protected TemporaryFolder Temporary { get; } = new();

    public void Dispose()
    {
        Temporary.Dispose();
        GC.SuppressFinalize(this);
    }
}
