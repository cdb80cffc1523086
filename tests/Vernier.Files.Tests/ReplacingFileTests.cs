using Vernier.Files.Disk;

namespace Vernier.Files.Tests;

public class ReplacingFileTests
{
    private const string Full = "/dev/full";

    [Fact]
    public void A_commit_replaces_the_old_content()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["a"], "old");
        using (var file = new ReplacingFile(folder["a"]))
        {
            file.Write("new"u8);
            file.Pad(8);
            Assert.Equal("old", File.ReadAllText(folder["a"]));
            file.Commit();
        }
        Assert.Equal("new\0\0\0\0\0", File.ReadAllText(folder["a"]));
        Assert.Equal([folder["a"]], Directory.GetFiles(folder.Path));
    }

    [FullDiskFact]
    public void A_full_disk_is_named_and_the_old_content_stays()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["a"], "old");
        using (var file = new ReplacingFile(folder["a"], _ => new FileStream(Full, FileMode.Open, FileAccess.Write)))
        {
            var error = Assert.Throws<IOException>(() => WriteAll(file));
            Assert.StartsWith(folder["a"] + ":", error.Message);
        }
        Assert.Equal("old", File.ReadAllText(folder["a"]));
        Assert.Equal([folder["a"]], Directory.GetFiles(folder.Path));
    }

    private static void WriteAll(ReplacingFile file)
    {
        for (var i = 0; i < 100; i++)
            file.Write(new byte[1 << 12]);
        file.Commit();
    }

    /// <summary>Needs the device that is always full.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class FullDiskFactAttribute : FactAttribute
    {
        public FullDiskFactAttribute() => Skip = File.Exists(Full) ? null : $"{Full} is not on this system";
    }
}
