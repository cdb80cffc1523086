using Vernier.Tokens;
using Vernier.Tokens.Patterns;

namespace Vernier.Tests.Tokens;

public class PreTokenizationTests
{
    [Theory]
    [InlineData(SplitBehavior.Removed, false, "the|final|countdown")]
    [InlineData(SplitBehavior.Isolated, false, "the|-|final|-|-|countdown")]
    [InlineData(SplitBehavior.MergedWithPrevious, false, "the-|final-|-|countdown")]
    [InlineData(SplitBehavior.MergedWithNext, false, "the|-final|-|-countdown")]
    [InlineData(SplitBehavior.Contiguous, false, "the|-|final|--|countdown")]
    [InlineData(SplitBehavior.Removed, true, "-|-|-")]
    public void BehavesAsHuggingFaceDoes(object behavior, bool isInverted, string pieces) =>
        Assert.Equal(pieces, Cut(new PreTokenization.Split("-", (SplitBehavior)behavior, isInverted), "the-final--countdown"));

    [Theory]
    [InlineData(SplitBehavior.Isolated, "Hey friend|!|  How are you|?|!|?|x|$|“|y")]
    [InlineData(SplitBehavior.Contiguous, "Hey friend|!|  How are you|?!?|x|$“|y")]
    [InlineData(SplitBehavior.Removed, "Hey friend|  How are you|x|y")]
    public void PunctuationIsCut(object behavior, string pieces) =>
        Assert.Equal(pieces, Cut(new PreTokenization.Punctuation((SplitBehavior)behavior), "Hey friend!  How are you?!?x$“y"));

    [Fact]
    public void WhiteSpaceIsDropped()
    {
        Assert.Equal("Hey|man,|what's|up?", Cut(new PreTokenization.WhiteSpaceSplit(), " Hey\u00a0man,\u3000what's\r\nup? "));
        Assert.Equal("Hey|man|,|what|'|s|up|?!", Cut(new PreTokenization.Words(), "Hey man, what's up?!"));
    }

    [Fact]
    public void NumbersOfAllScriptsAreNumbers()
    {
        Assert.Equal("a|1|2|²|٣|x", Cut(new PreTokenization.Digits(Individual: true), "a12²٣x"));
        Assert.Equal("a|12²٣|x", Cut(new PreTokenization.Digits(Individual: false), "a12²٣x"));
    }

    [Fact]
    public void PiecesOfOneLengthCountCharacters() => Assert.Equal("a😀b|cd", Cut(new PreTokenization.FixedLength(3), "a😀bcd"));

    [Fact]
    public void ALiteralIsNoPattern() => Assert.Equal("a|.|b|.|c", Cut(new PreTokenization.Split(".", IsLiteral: true), "a.b.c"));

    [Fact]
    public void AnEmptyMatchCuts() => Assert.Equal("1|234|567", Cut(new PreTokenization.Split(@"(?=(\d{3})+(?!\d))"), "1234567"));

    [Fact]
    public void WhatOneRuleDropsTheNextDoesNotSee() => Assert.Equal(
        "a|1|b", string.Join('|', Pieces(new PreTokenization(new PreTokenization.WhiteSpaceSplit(), new PreTokenization.Digits(Individual: true)), "a 1b ")));

    /// <summary>The patterns that are written out by hand cut as the same patterns do that are matched step by step (in a group they are not known by their text).</summary>
    [Theory]
    [InlineData(Gpt2PreTokenizer.Pattern)]
    [InlineData(Llama3PreTokenizer.Pattern)]
    [InlineData(Llama3PreTokenizer.SingleDigitPattern)]
    public void WhatIsWrittenOutCutsAsItsPattern(string pattern)
    {
        string[] parts = [" ", "  ", "\n", "\r\n", "\t", "\u00a0", "'s", "'LL", "'", "a", "Bc", "é", "中", "😀", "𝒜", "1", "23", "٣", "²", ".", "?!", "_", "e\u0301"];
        var random = new Random(1);
        for (var trial = 0; trial < 3000; trial++)
        {
            var text = string.Concat(Enumerable.Range(0, 1 + trial % 9).Select(_ => parts[random.Next(parts.Length)]));
            Assert.Equal(Cut(new PreTokenization.Split($"(?:{pattern})"), text), Cut(new PreTokenization.Split(pattern), text));
        }
    }

    private static string Cut(PreTokenization.Rule rule, string text) => string.Join('|', Pieces(new PreTokenization(rule), text));

    internal static IEnumerable<string> Pieces(PreTokenization rules, string text)
    {
        var ends = new List<int>();
        rules.Build().Split(text, 0, ends, new WorkLimit("test", text.Length));
        var start = 0;
        foreach (var end in ends)
        {
            if (end >= 0)
                yield return text[start..end];
            start = end < 0 ? ~end : end;
        }
    }
}
