namespace Vernier.Kernels.Tests;

public class TokenRowsTests
{
    private static readonly int[] s_tokens = [1, 0, 2, 2, 1, 0]; // of six places: every token has two

    private static readonly int[] s_places = [1, 5, 0, 4, 2, 3]; // of three tokens

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void RowsAreTakenOutAndPutTogether(Tier tier) => OpTesting.At(tier, () =>
    {
        for (var width = 1; width <= 130; width++)
        {
            var (x, scales) = (OpTesting.Normal(1, 3 * width), OpTesting.Normal(2, 6));
            var (plain, scaled) = (new OpTesting.Guarded(6 * width), new OpTesting.Guarded(6 * width));
            TokenRows.Gather(OpTesting.Pool, x, width, s_tokens, [], plain.Span);
            TokenRows.Gather(OpTesting.Pool, x, width, s_tokens, scales, scaled.Span);
            plain.Check("gathered");
            scaled.Check("gathered and scaled");
            for (var place = 0; place < 6; place++)
                for (var c = 0; c < width; c++)
                {
                    Assert.Equal(x[s_tokens[place] * width + c], plain.Span[place * width + c]);
                    Assert.Equal(x[s_tokens[place] * width + c] * scales[place], scaled.Span[place * width + c]);
                }
            var (rows, start) = (OpTesting.Normal(3, 6 * width), OpTesting.Normal(4, 3 * width));
            CheckSums(rows, start, scales, width);
            CheckSums(rows, start, [], width);
        }
    });

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void DotsOfPlacesWithTheirTokens(Tier tier) => OpTesting.At(tier, () =>
    {
        for (var width = 1; width <= 130; width++)
        {
            var (x, y) = (OpTesting.Normal(1, 6 * width), OpTesting.Normal(2, 3 * width));
            var dots = new OpTesting.Guarded(6);
            TokenRows.Dots(OpTesting.Pool, x, y, width, s_tokens, dots.Span);
            dots.Check("dots");
            var expected = s_tokens.Select((token, place) => Enumerable.Range(0, width).Sum(c => (double)x[place * width + c] * y[token * width + c])).ToArray();
            OpTesting.Close(expected, dots.Span, 1e-6, 1e-5, "dots"); // sums of 130 products at most, of order 1
        }
    });

    [Fact]
    public void RefusesRowsThatAreNotThere()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenRows.Gather(OpTesting.Pool, new float[4], 2, [0, 2], [], new float[4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenRows.Combine(OpTesting.Pool, new float[4], 2, [0, 2], 2, [], new float[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenRows.Dots(OpTesting.Pool, new float[4], new float[4], 2, [0, -1], new float[2]));
    }

    private static void CheckSums(float[] rows, float[] start, float[] scales, int width)
    {
        var sums = new OpTesting.Guarded(start);
        TokenRows.Combine(OpTesting.Pool, rows, width, s_places, 2, scales, sums.Span);
        sums.Check("sums");
        var expected = start.Select((value, i) => value + Enumerable.Range(0, 2).Sum(p =>
            s_places[i / width * 2 + p] is var place ? (scales.Length == 0 ? 1.0 : scales[place]) * rows[place * width + i % width] : 0)).ToArray();
        OpTesting.Close(expected, sums.Span, 1e-6, 1e-6, "sums");
    }
}
