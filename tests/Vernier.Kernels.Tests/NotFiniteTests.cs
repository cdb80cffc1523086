namespace Vernier.Kernels.Tests;

/// <summary>NaN and infinity are found at every place of rows of every length, and nothing else is.</summary>
public sealed class NotFiniteTests
{
    private static readonly int[] s_lengths = [0, 1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100];

    [Fact]
    public void SinglesAreFoundWhereTheyStand()
    {
        foreach (var length in s_lengths)
        {
            var values = Enumerable.Range(0, length).Select(i => i % 3 == 0 ? float.MaxValue : i % 3 == 1 ? -float.Epsilon : -float.MaxValue).ToArray();
            Assert.Equal(-1, NotFinite.IndexIn(values));
            for (var at = 0; at < length; at++)
                foreach (var bad in (float[])[float.NaN, -float.NaN, float.PositiveInfinity, float.NegativeInfinity])
                {
                    var copy = values.ToArray();
                    copy[at] = copy[^1] = bad; // the first counts
                    Assert.Equal(at, NotFinite.IndexIn(copy));
                }
        }
    }

    [Theory]
    [InlineData(HalfFormat.Fp16)]
    [InlineData(HalfFormat.Bf16)]
    public void EveryHalfIsWhatItIs(object halves)
    {
        var format = (HalfFormat)halves;
        var values = new ushort[50];
        for (var bits = 0; bits <= ushort.MaxValue; bits++)
        {
            var at = bits % values.Length;
            values[at] = (ushort)bits;
            var value = format == HalfFormat.Fp16 ? (float)BitConverter.UInt16BitsToHalf((ushort)bits) : BitConverter.UInt32BitsToSingle((uint)bits << 16);
            Assert.Equal(float.IsFinite(value) ? -1 : at, NotFinite.IndexIn(values, format));
            values[at] = 0;
        }
    }

    [Fact]
    public void GroupsCountByTheirLargestWeight()
    {
        foreach (var length in s_lengths.Where(n => n > 0))
            for (var at = 0; at < length; at++)
            {
                var (scale, offset) = (new float[length], new float[length]);
                Array.Fill(scale, 1e37f);
                Assert.Equal(-1, NotFinite.GroupIn(scale, offset, 15));
                scale[at] = 3e37f;
                Assert.Equal(-1, NotFinite.GroupIn(scale, offset, 1));
                Assert.Equal(at, NotFinite.GroupIn(scale, offset, 15));
                (scale[at], offset[at]) = (0, float.NaN);
                Assert.Equal(at, NotFinite.GroupIn(scale, offset, 15));
            }
    }
}
