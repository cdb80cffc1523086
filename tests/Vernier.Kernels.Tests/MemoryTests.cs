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
}
