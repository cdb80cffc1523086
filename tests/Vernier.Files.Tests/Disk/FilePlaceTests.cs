using Vernier.Files.Disk;

namespace Vernier.Files.Tests.Disk;

/// <summary>Where paths lead, whatever they are spelled like.</summary>
public sealed class FilePlaceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public FilePlaceTests()
    {
        Directory.CreateDirectory(_folder["a/b/c"]);
        File.WriteAllText(_folder["a/b/c/file"], "x");
        File.WriteAllText(_folder["other"], "x");
        Directory.CreateSymbolicLink(_folder["link"], _folder["a/b"]);
        File.CreateSymbolicLink(_folder["a/loop"], _folder["a/loop"]);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Inside_is_at_any_depth_and_through_links_but_not_beside()
    {
        foreach (var inner in (string[])["a/b/c/file", "a/b/c/none", "link/c/file", "a/b/x/y/z", "a/../a/b/q"])
            Assert.True(FilePlace.IsInside(_folder[inner], _folder["a/b"]), inner);
        foreach (var inner in (string[])["a", "a/b", "other", "a/bc/file", "link"])
            Assert.False(FilePlace.IsInside(_folder[inner], _folder["a/b"]), inner);
        Assert.True(FilePlace.IsInside(_folder["none/x"], _folder["none"]));
    }

    [Fact]
    public void The_same_is_the_same_under_other_names()
    {
        Assert.True(FilePlace.IsSame(_folder["a/b/c/file"], _folder["link/c/../c/file"]));
        Assert.True(FilePlace.IsSame(_folder["link/none"], _folder["a/b/none"]));
        Assert.False(FilePlace.IsSame(_folder["a/b/c/file"], _folder["other"]));
        Assert.Equal(FilePlace.Real(_folder["a/b/c"]), FilePlace.Real(_folder["link/c"]));
        Assert.NotEmpty(FilePlace.Real(_folder["a/loop"])); // a link to itself ends
    }

    [Fact]
    public void A_file_is_found_where_it_lies()
    {
        Assert.Equal(_folder["a/b/c/file"], FilePlace.FindInside(_folder["a"], _folder["link/c/file"]));
        Assert.Null(FilePlace.FindInside(_folder["a"], _folder["other"]));
        Assert.Null(FilePlace.FindInside(_folder["a"], _folder["none"]));
        Assert.Null(FilePlace.FindInside(_folder.Path, _folder["a/b"])); // a folder is no file
    }
}
