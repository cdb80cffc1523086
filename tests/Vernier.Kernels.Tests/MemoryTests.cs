using System.Globalization;
using Vernier.TestSupport;

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
        GuardedMemory.Without(() =>
        {
            for (var round = 0; round < 2; round++) // the second may get the first one's memory
            {
                using var buffer = new NativeBuffer<byte>(bytes);
                Assert.Equal(0, (nint)buffer.Pointer % 64);
                Assert.False(buffer.Span.ContainsAnyExcept((byte)0));
                buffer.Span.Fill(1);
            }
        });
    }

    [LinuxFact]
    public unsafe void Behind_a_guarded_block_lies_a_page_that_may_not_be_touched()
    {
        foreach (var bytes in new[] { 0, 1, 4095, 4096, 4097, 300_000 })
        {
            using var buffer = new NativeBuffer<byte>(bytes);
            buffer.Span.Fill(7);
            var end = (nuint)buffer.Pointer + (nuint)bytes;
            Assert.Contains(File.ReadLines("/proc/self/maps"), line => line.Contains(" ---p ", StringComparison.Ordinal) && Holds(line, end));
        }

        // The system shows pages of neighbours that may not be touched either as one range.
        static bool Holds(string line, nuint address)
        {
            var range = line[..line.IndexOf(' ', StringComparison.Ordinal)].Split('-');
            return nuint.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture) <= address && address < nuint.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }
    }

    [LinuxFact]
    public unsafe void A_write_in_front_of_a_guarded_block_is_found_when_it_is_freed()
    {
        var buffer = new NativeBuffer<int>(10);
        buffer.Pointer[-1] = 1;
        Assert.Throws<InvalidOperationException>(buffer.Dispose);
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

    /// <summary>Pages are guarded on Linux only.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class LinuxFactAttribute : FactAttribute
    {
        public LinuxFactAttribute() => Skip = OperatingSystem.IsLinux() ? null : "pages are guarded on Linux only";
    }
}
