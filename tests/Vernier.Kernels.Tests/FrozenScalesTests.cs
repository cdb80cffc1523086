namespace Vernier.Kernels.Tests;

public class FrozenScalesTests
{
    [Theory]
    [InlineData(0.125f, -1.5f)]     // halves
    [InlineData(0.1f, -1.5f)]       // a scale that is none
    [InlineData(0.125f, 1e-9f)]     // an offset below the range of halves
    [InlineData(70000f, 0f)]        // a scale above it
    [InlineData(-0f, float.NaN)]
    public void Come_back_to_the_bit(float scale, float offset)
    {
        using var source = new GroupScales(3, 20);
        source.Scale.Span.Fill(0.5f);
        source.Offset.Span.Fill(-8f);
        (source.Scale.Span[25], source.Offset.Span[59]) = (scale, offset);
        using var expected = source.Clone();
        using var frozen = new FrozenScales(source);
        source.Scale.Span.Fill(7);
        source.Offset.Span.Fill(7);
        using var found = frozen.Thaw();
        Assert.Equal(Bits(expected.Scale), Bits(found.Scale));
        Assert.Equal(Bits(expected.Offset), Bits(found.Offset));
    }

    private static int[] Bits(NativeBuffer<float> values) => [.. values.Span.ToArray().Select(BitConverter.SingleToInt32Bits)];
}
