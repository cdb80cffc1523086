using Vernier.Files.Disk;

namespace Vernier.Files.Tests.Disk;

/// <summary>Where paths lead, whatever they are spelled like.</summary>
public sealed class FilePlaceTests : TemporaryFolderTests
{
    public FilePlaceTests()
    {
        Directory.CreateDirectory(Temporary["a/b/c"]);
        File.WriteAllText(Temporary["a/b/c/file"], "x");
        File.WriteAllText(Temporary["other"], "x");
        Directory.CreateSymbolicLink(Temporary["link"], Temporary["a/b"]);
        File.CreateSymbolicLink(Temporary["a/loop"], Temporary["a/loop"]);
    }

    [Fact]
    public void Inside_is_at_any_depth_and_through_links_but_not_beside()
    {
        foreach (var inner in (string[])["a/b/c/file", "a/b/c/none", "link/c/file", "a/b/x/y/z", "a/../a/b/q"])
            Assert.True(FilePlace.IsInside(Temporary[inner], Temporary["a/b"]), inner);
        foreach (var inner in (string[])["a", "a/b", "other", "a/bc/file", "link"])
            Assert.False(FilePlace.IsInside(Temporary[inner], Temporary["a/b"]), inner);
        Assert.True(FilePlace.IsInside(Temporary["none/x"], Temporary["none"]));
    }

    [Fact]
    public void The_same_is_the_same_under_other_names()
    {
        Assert.True(FilePlace.IsSame(Temporary["a/b/c/file"], Temporary["link/c/../c/file"]));
        Assert.True(FilePlace.IsSame(Temporary["link/none"], Temporary["a/b/none"]));
        Assert.False(FilePlace.IsSame(Temporary["a/b/c/file"], Temporary["other"]));
        Assert.Equal(FilePlace.Real(Temporary["a/b/c"]), FilePlace.Real(Temporary["link/c"]));
        Assert.NotEmpty(FilePlace.Real(Temporary["a/loop"])); // a link to itself ends
    }

    [Fact]
    public void A_file_is_found_where_it_lies()
    {
        Assert.Equal(Temporary["a/b/c/file"], FilePlace.FindInside(Temporary["a"], Temporary["link/c/file"]));
        Assert.Null(FilePlace.FindInside(Temporary["a"], Temporary["other"]));
        Assert.Null(FilePlace.FindInside(Temporary["a"], Temporary["none"]));
        Assert.Null(FilePlace.FindInside(Temporary.Path, Temporary["a/b"])); // a folder is no file
    }
}
