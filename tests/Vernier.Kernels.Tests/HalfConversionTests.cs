namespace Vernier.Kernels.Tests;

public class HalfConversionTests
{
    [Fact]
    public void Rounds_as_the_runtime_does()
    {
        float[] special = [0, -0f, 1, 65504, 65519.99f, 65520, 65536, 1e9f, float.PositiveInfinity, float.NegativeInfinity, 6e-8f, 3e-8f, 2.9802322e-8f, 1e-10f, -1e-10f, 6.1e-5f, 6.0975e-5f];
        var random = new Random(1);
        var source = new float[special.Length + 5000];
        special.CopyTo(source, 0);
        for (var i = special.Length; i < source.Length; i++)
            source[i] = (random.NextSingle() - 0.5f) * MathF.Pow(2, random.Next(-28, 18));
        for (var i = special.Length; i < source.Length; i += 3)
            source[i] = (float)(Half)source[i] * (1 + MathF.Pow(2, -11)); // half-way
        var found = new Half[source.Length];
        HalfConversion.Narrow(source, found);
        for (var i = 0; i < source.Length; i++)
            Assert.Equal(BitConverter.HalfToUInt16Bits((Half)source[i]), BitConverter.HalfToUInt16Bits(found[i]));
        float[] nan = [.. Enumerable.Repeat(float.NaN, 17)];
        HalfConversion.Narrow(nan, found.AsSpan(0, 17));
        Assert.All(found[..17], h => Assert.True(Half.IsNaN(h)));
        Assert.Throws<ArgumentException>(() => HalfConversion.Narrow(nan, found.AsSpan(0, 16)));
    }

    [Fact]
    public void Every_half_widens_as_the_runtime_does()
    {
        var halves = Enumerable.Range(0, 1 << 16).Select(bits => BitConverter.UInt16BitsToHalf((ushort)bits)).ToArray();
        foreach (var length in new[] { halves.Length, 15, 17 })
        {
            var found = new float[length];
            HalfConversion.Widen(halves.AsSpan(0, length), found);
            for (var i = 0; i < length; i++)
                Assert.True(Half.IsNaN(halves[i]) ? float.IsNaN(found[i]) : BitConverter.SingleToInt32Bits((float)halves[i]) == BitConverter.SingleToInt32Bits(found[i]));
        }
        Assert.Throws<ArgumentException>(() => HalfConversion.Widen(halves, new float[5]));
    }
}
