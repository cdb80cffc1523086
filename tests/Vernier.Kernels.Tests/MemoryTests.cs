namespace Vernier.Kernels.Tests;

public sealed class MemoryTests
{
    // Below, between and above the sizes at which a block comes from another place.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData((256 << 10) - 4)]
    [InlineData(256 << 10)]
    [InlineData((4 << 20) - 4)]
    [InlineData(4 << 20)]
    [InlineData((4 << 20) + 4)]
    public unsafe void Blocks_are_zeroed_aligned_and_writable_to_the_end(int bytes)
    {
        for (var round = 0; round < 2; round++) // the second may get the first one's memory
        {
            using var buffer = new NativeBuffer<byte>(bytes);
            Assert.Equal(0, (nint)buffer.Pointer % 64);
            Assert.False(buffer.Span.ContainsAnyExcept((byte)0));
            buffer.Span.Fill(1);
        }
    }

    [Fact]
    public void Bytes_of_a_file_can_be_read_after_they_were_released()
    {
        var path = Path.GetTempFileName();
        try
        {
            var content = new byte[100_000];
            new Random(1).NextBytes(content);
            File.WriteAllBytes(path, content);
            using var memory = MappedMemory.Open(path);
            foreach (var (start, length) in new[] { (0, 100_000), (1, 1), (4096, 4096), (5000, 95_000), (100_000, 0) })
            {
                memory.Release(start, length);
                Assert.Equal(content, memory.Slice(0, content.Length));
            }
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Release(1, 100_000));
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.Release(-1, 1));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("grown")]
    [InlineData("written")]
    public void A_mapped_file_that_changes_is_refused(string how)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, new byte[1 << 20]);
            using var memory = MappedMemory.Open(path);
            memory.RequireUnchanged();
            using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
                if (how == "written")
                    file.WriteByte(1);
                else
                    file.SetLength(how == "cut" ? 100 : 2 << 20);
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(1));
            Assert.Contains(path, Assert.Throws<InvalidDataException>(memory.RequireUnchanged).Message);
            if (how != "written")
                Assert.Contains(path, Assert.Throws<InvalidDataException>(() => memory.Slice(0, 1 << 20).Length).Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void What_is_no_file_is_not_mapped() => Assert.Contains(Path.GetTempPath(), Assert.Throws<InvalidDataException>(() => MappedMemory.Open(Path.GetTempPath())).Message);
}
