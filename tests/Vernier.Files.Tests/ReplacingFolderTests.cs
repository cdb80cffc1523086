using Vernier.Files.Disk;

namespace Vernier.Files.Tests;

public class ReplacingFolderTests
{
    private const string Gone = "2147483647-0123456789abcdef0123456789abcdef.tmp"; // of no process

    [Theory]
    [InlineData("missing")]
    [InlineData("empty")]
    [InlineData("old")]
    [InlineData("old and others")]
    [InlineData("behind a link")]
    public void A_commit_puts_the_whole_folder_in_place(string before)
    {
        using var folder = new TemporaryFolder();
        var target = folder["model"];
        if (before != "missing")
            Directory.CreateDirectory(before == "behind a link" ? folder["elsewhere"] : target);
        if (before == "behind a link")
            Directory.CreateSymbolicLink(target, folder["elsewhere"]);
        if (before.StartsWith("old", StringComparison.Ordinal))
            foreach (var name in (string[])["config.json", "quantize_config.json"])
                File.WriteAllText(Path.Combine(target, name), "old");
        if (before == "old and others")
        {
            Directory.CreateDirectory(Path.Combine(target, "mine"));
            File.WriteAllText(Path.Combine(target, "mine", "notes.txt"), "mine");
            File.WriteAllText(Path.Combine(target, "notes.txt"), "mine");
        }
        using (var written = new ReplacingFolder(target, name => name.EndsWith(".json", StringComparison.Ordinal)))
        {
            File.WriteAllText(Path.Combine(written.Temporary, "config.json"), "new");
            File.WriteAllText(Path.Combine(written.Temporary, "weights"), "123");
            Assert.False(File.Exists(Path.Combine(target, "weights")));
            Assert.Equal(6, written.Commit());
        }
        string[] mine = before == "old and others" ? ["mine", "notes.txt"] : [];
        Assert.Equal([.. ((string[])["config.json", "weights", .. mine]).Order(StringComparer.Ordinal)], Directory.EnumerateFileSystemEntries(target).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
        Assert.Equal("new", File.ReadAllText(Path.Combine(target, "config.json")));
        Assert.All(Directory.EnumerateFiles(target, "notes.txt", SearchOption.AllDirectories), f => Assert.Equal("mine", File.ReadAllText(f)));
        Assert.Equal(before == "behind a link", new FileInfo(target).LinkTarget is not null);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path, "*.tmp"));
    }

    [Fact]
    public void Without_a_commit_the_old_folder_stays()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["model"]);
        File.WriteAllText(folder["model/config.json"], "old");
        using (var written = new ReplacingFolder(folder["model"], _ => true))
            File.WriteAllText(Path.Combine(written.Temporary, "config.json"), "new");
        Assert.Equal("old", File.ReadAllText(folder["model/config.json"]));
        Assert.Equal([folder["model"]], Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void What_a_killed_process_left_goes_and_what_a_living_one_writes_stays()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["a." + Gone], "half");
        File.WriteAllText(folder["b." + Gone], "half of another name");
        File.WriteAllText(folder["a.tmp"], "not ours");
        File.WriteAllText(folder["a.12-34.tmp"], "not ours");
        Directory.CreateDirectory(folder["a." + Gone.Replace("01", "02", StringComparison.Ordinal)]);
        File.WriteAllText(folder["a." + Gone.Replace("01", "02", StringComparison.Ordinal)] + "/x", "half");
        var living = folder[$"a.{Parent()}-0123456789abcdef0123456789abcdef.tmp"];
        File.WriteAllText(living, "of a living process");
        var locked = folder["a.2147483646-0123456789abcdef0123456789abcdef.tmp"];
        using (new FileStream(locked, FileMode.CreateNew, FileAccess.Write, FileShare.None))
        using (new ReplacingFile(folder["a"])) // two writers of one name do not disturb each other
        using (var file = new ReplacingFile(folder["a"]))
        {
            file.Write("whole"u8);
            file.Commit();
        }
        Assert.Equal([.. ((string[])["a", "a.12-34.tmp", Path.GetFileName(locked), Path.GetFileName(living), "a.tmp", "b." + Gone]).Order(StringComparer.Ordinal)],
            Directory.EnumerateFileSystemEntries(folder.Path).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal).ToArray());
    }

    [Fact]
    public void A_link_stays_one_and_rights_stay()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["real"], "old");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder["real"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.CreateSymbolicLink(folder["link"], "real");
        OutputFile.WriteAllText(folder["link"], "new");
        Assert.Equal("new", File.ReadAllText(folder["real"]));
        Assert.NotNull(new FileInfo(folder["link"]).LinkTarget);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder["real"]));
    }

    [Fact]
    public void A_missing_folder_and_a_folder_in_the_way_are_named()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(folder["nowhere"], Assert.Throws<DirectoryNotFoundException>(() => OutputFile.WriteAllText(folder["nowhere/a"], "")).Message);
        Directory.CreateDirectory(folder["a"]);
        Assert.Contains(folder["a"], Assert.Throws<IOException>(() => OutputFile.WriteAllText(folder["a"], "")).Message);
        File.WriteAllText(folder["b"], "");
        Assert.Contains(folder["b"], Assert.Throws<IOException>(() => new ReplacingFolder(folder["b"], _ => true)).Message);
    }

    /// <summary>Some process that lives and began before this test.</summary>
    private static int Parent() => System.Diagnostics.Process.GetProcesses().Where(p => p.Id != Environment.ProcessId).Select(p => p.Id).Min();
}
