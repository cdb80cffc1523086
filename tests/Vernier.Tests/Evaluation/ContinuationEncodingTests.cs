using Vernier.Evaluation;

namespace Vernier.Tests.Evaluation;

public class ContinuationEncodingTests
{
    private static readonly ByteTokenizer Tokenizer = new();

    [Fact]
    public void TrailingWhiteSpaceOfTheContextIsScored()
    {
        var request = ContinuationEncoding.Encode(Tokenizer, "a \u00a0\n", "b");
        Assert.Equal(1, request.From);
        Assert.Equal(Tokenizer.Encode("a \u00a0\nb"), request.Ids);
    }

    [Fact]
    public void AnEmptyContextIsBosOrElseEos()
    {
        Assert.Equal([256, 98], ContinuationEncoding.Encode(Tokenizer, "", "b").Ids);
        Assert.Equal([7, 98], ContinuationEncoding.Encode(new ByteTokenizer { BosId = null, EosId = 7 }, "", "b").Ids);
        Assert.Throws<ArgumentException>(() => ContinuationEncoding.Encode(new ByteTokenizer { BosId = null }, "", "b"));
    }

    [Fact]
    public void AContinuationThatBringsTheStartTokenKeepsOne()
    {
        var request = ContinuationEncoding.Encode(new ByteTokenizer { BosId = 'x' }, "", "xy");
        Assert.Equal(['x', 'y'], request.Ids);
        Assert.Equal(1, request.From);
    }

    [Fact]
    public void BosStandsInFrontWhereTheModelWantsIt()
    {
        var request = ContinuationEncoding.Encode(new ByteTokenizer { AddsBos = true }, "a", "b");
        Assert.Equal([256, 97, 98], request.Ids);
        Assert.Equal(2, request.From);
    }

    [Fact]
    public void AContinuationWithoutATokenIsRefused() =>
        Assert.Throws<ArgumentException>(() => ContinuationEncoding.Encode(Tokenizer, "a", ""));

    [Fact]
    public void LongContextsLoseTheirLeftEnd()
    {
        var request = ContinuationEncoding.CutLeft(ContinuationEncoding.Encode(Tokenizer, "abcdef", "gh"), 4);
        Assert.Equal(Tokenizer.Encode("defgh"), request.Ids);
        Assert.Equal(2, request.Scored);
        Assert.Throws<ArgumentException>(() => ContinuationEncoding.CutLeft(ContinuationEncoding.Encode(Tokenizer, "a", "bcdefg"), 4));
    }
}
