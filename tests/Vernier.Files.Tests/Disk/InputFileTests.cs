using Vernier.Files.Disk;

namespace Vernier.Files.Tests.Disk;

/// <summary>Files are read up to a size, and nothing but files.</summary>
public sealed class InputFileTests : TemporaryFolderTests
{
    [Fact]
    public void A_file_of_the_largest_size_is_read_and_one_byte_more_is_not()
    {
        var path = Temporary["file"];
        File.WriteAllText(path, "1234");
        Assert.Equal(4, InputFile.Require(path, 4));
        Assert.Equal("1234"u8.ToArray(), InputFile.ReadAllBytes(path, 4));
        Assert.Equal("1234", InputFile.ReadAllText(path, 4));
        using (var stream = InputFile.OpenRead(path, 4))
        using (var second = File.OpenRead(path)) // others may read too
            Assert.Equal(stream.Length, second.Length);
        foreach (var read in (Action[])[() => InputFile.Require(path, 3), () => InputFile.ReadAllBytes(path, 3), () => InputFile.ReadAllText(path, 3), () => InputFile.OpenRead(path, 3).Dispose()])
            Assert.Equal($"{path}: file: found 4 bytes, expected at most 3", Assert.Throws<InvalidDataException>(read).Message);
    }

    [Fact]
    public void Folders_and_missing_files_are_named()
    {
        Assert.Contains("is a folder", Assert.Throws<InvalidDataException>(() => InputFile.ReadAllBytes(Temporary.Path)).Message);
        Assert.Contains(Temporary["none"], Assert.Throws<FileNotFoundException>(() => InputFile.ReadAllText(Temporary["none"])).Message);
    }
}
