using Vernier.Files.Pickle;
using Vernier.TestSupport;
using static Vernier.Files.Tests.Pickle.StoredZip;

namespace Vernier.Files.Tests.Pickle;

/// <summary>Sizes in zip64 fields, as torch.save writes them for large files, and pickles cut where a value stands.</summary>
public sealed class ZipDirectoryTests : TemporaryFolderTests
{
    private readonly List<(string Name, byte[] Bytes)> _entries = Read(SharedFiles.At("goldens/formats/edge/pickle/control_valid_torch.bin"));

    public static TheoryData<int> Combinations => [.. Enumerable.Range(0, 8)];

    [Theory]
    [MemberData(nameof(Combinations))]
    public void Moved_sizes_are_found_behind_other_fields(int moved)
    {
        // the entry whose sizes move is the one with the numbers, and does not lie at the beginning
        Write(Temporary["t.bin"], [.. _entries.OrderBy(e => e.Name != "archive/data/0")], (Moved)moved);
        using var file = TorchFile.Open(Temporary["t.bin"]);
        Assert.Equal([0, 1, 2, 3, 4, 5], file.ReadSingles("w"));
    }

    [Fact]
    public void A_zip64_field_that_is_missing_or_too_short_is_said()
    {
        foreach (var extra in (byte[][])[[], Field(0x5455, new byte[24]), Field(1, new byte[15]), [1, 0, 16, 0, 1, 2, 3], [1, 0, 24, 0, .. new byte[15]]])
        {
            Write(Temporary["t.bin"], _entries, Moved.Size | Moved.Packed, extra);
            Assert.Contains("no zip64 sizes", Assert.Throws<InvalidDataException>(() => TorchFile.Open(Temporary["t.bin"]).Dispose()).Message);
        }
    }

    [Fact]
    public void Sizes_beyond_the_file_are_refused()
    {
        foreach (var (size, packed) in new[] { (1L << 40, 1L << 40), (-1L, -1L), (4L, 5L) })
        {
            Write(Temporary["t.bin"], _entries, Moved.Size | Moved.Packed, Field(1, [.. BitConverter.GetBytes(size), .. BitConverter.GetBytes(packed)]));
            Assert.Contains($"{size} bytes at", Assert.Throws<InvalidDataException>(() => TorchFile.Open(Temporary["t.bin"]).Dispose()).Message);
        }
    }

    [Theory]
    [InlineData("\u0080\u0002cno_end_of_line", "a name without end")]
    [InlineData("\u0080\u0002c\nname_without_end", "a name without end")]
    [InlineData("\u0080\u0002X\u00ff\u0000\u0000\u0000ab", "2 bytes left")]
    public void A_pickle_that_ends_inside_a_value_says_what_is_left(string pickle, string says)
    {
        Write(Temporary["t.bin"], [.. _entries.Select(e => e.Name == "archive/data.pkl" ? (e.Name, pickle.Select(c => (byte)c).ToArray()) : e)]);
        var error = Assert.Throws<InvalidDataException>(() => TorchFile.Open(Temporary["t.bin"]).Dispose()).Message;
        Assert.Contains("data.pkl before byte", error);
        Assert.Contains(says, error);
    }

    /// <summary>The first dimension, 2, as an integer of any length.</summary>
    [Theory]
    [InlineData(new byte[] { 1, 2 })]
    [InlineData(new byte[] { 2, 2, 0 })]
    [InlineData(new byte[] { 8, 2, 0, 0, 0, 0, 0, 0, 0 })]
    public void Long_integers_are_read(byte[] number)
    {
        WriteDimension(number);
        using var file = TorchFile.Open(Temporary["t.bin"]);
        Assert.Equal([2, 3], Assert.Single(file.Tensors).Shape);
    }

    [Theory]
    [InlineData(new byte[] { 9, 2, 0, 0, 0, 0, 0, 0, 0, 0 }, "an integer of 9 bytes")]
    [InlineData(new byte[] { 1, 0x80 }, "-128")]
    [InlineData(new byte[] { 2, 0xff, 0xff }, "-1")]
    public void Integers_that_are_no_size_are_refused(byte[] number, string says)
    {
        WriteDimension(number);
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => TorchFile.Open(Temporary["t.bin"]).Dispose()).Message);
    }

    private void WriteDimension(byte[] number)
    {
        byte[] dimensions = [(byte)'K', 2, (byte)'K', 3];
        Write(Temporary["t.bin"], [.. _entries.Select(e => e.Name != "archive/data.pkl" || e.Bytes.AsSpan().IndexOf(dimensions) is not (> 0 and var at) ? e
            : (e.Name, [.. e.Bytes[..at], 0x8a, .. number, .. e.Bytes[(at + 2)..]]))]);
    }
}
