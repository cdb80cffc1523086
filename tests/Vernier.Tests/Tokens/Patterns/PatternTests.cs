using Vernier.Tokens;
using Vernier.Tokens.Patterns;

namespace Vernier.Tests.Tokens.Patterns;

public class PatternTests
{
    [Theory]
    [InlineData(@"\p{N}{1,3}", "a1234b", "123|4")]
    [InlineData(@"a|ab", "ab", "a")]
    [InlineData(@"(?:a|ab)(?:c|bcd)", "abcd", "abcd")]
    [InlineData(@"a+?b", "aab", "aab")]
    [InlineData(@"(?>a+)a", "aaa", "")]
    [InlineData(@"a++a", "aaa", "")]
    [InlineData(@"a?+ab", "ab aab", "aab")]
    [InlineData(@"a{2}+", "aaaa", "aaaa")]
    [InlineData(@"a{,2}", "aaa", "aa|a")]
    [InlineData(@"x{a}", "x{a}", "x{a}")]
    [InlineData(@"(?<=a)b|(?<!a)c", "abacc", "b|c")]
    [InlineData(@"(?<=ab|c)d", "abd cd d", "d|d")]
    [InlineData(@"a(?!b)", "ab ac", "a")]
    [InlineData(@"^.|.$", "ab\ncd", "a|b|c|d")]
    [InlineData(@"\A.|.\z", "ab\ncd", "a|d")]
    [InlineData(@".\Z", "ab\n", "b")]
    [InlineData(@"\bi\w*", "in bin if", "in|if")]
    [InlineData(@"(?m:.)+", "a\nb", "a\nb")]
    [InlineData(@"(?i:'S|école)", "'s ÉCOLE 'ſ", "'s|ÉCOLE|'ſ")]
    [InlineData(@"(?i)ab(?-i)c", "ABc ABC", "ABc")]
    [InlineData(@"(?i:[k\x{e5}])", "K\u212A\u00C5\u212B", "K|\u212A|\u00C5|\u212B")]
    [InlineData(@"[^\S\n]+", " \n\t ", " |\t ")]
    [InlineData(@"[\p{L}&&[^\p{Han}]]+", "ab中c", "ab|c")]
    [InlineData(@"[a-z&&[^aeiou]&&[a-m]]+", "abcdefnop", "bcd|f")]
    [InlineData(@"[[:alpha:]_]+|[[:^alpha:]]", "a_1", "a_|1")]
    [InlineData(@"[]a]+", "a]b", "a]")]
    [InlineData(@"[a\-z]+|[x-]", "a-zb-x", "a-z|-|x")]
    [InlineData(@"\h+", "xface9z", "face9")]
    [InlineData(@"\p{^L}+|\P{N}", "1a", "1|a")]
    [InlineData(@"\p{Hiragana}+|\p{Script=Katakana}+", "ひらカタ漢", "ひら|カタ")]
    [InlineData(@"\R", "a\r\nb\n\u2028", "\r\n|\n|\u2028")]
    [InlineData(@"(?x: a b # a comment
        )", "ab", "ab")]
    [InlineData(@"[𐐀-𐑏]+", "a𐐀𐐨b", "𐐀𐐨")]
    [InlineData(@"(?<name>a)(?#what)b", "ab", "ab")]
    [InlineData(@"(a*)*b", "aab", "aab")]
    [InlineData(@"(?:a|\s?)*x", "a ax", "a ax")]
    [InlineData(@"(?=(\d{3})+(?!\d))", "1234567", "|")]
    [InlineData(@"\x41|\u00e9|\t", "Aé\t", "A|é|\t")]
    public void FindsWhatOnigurumaFinds(string pattern, string text, string matches) => Assert.Equal(matches, string.Join('|', Find(pattern, text)));

    [Theory]
    [InlineData(@"(a)\1", "reference to a group")]
    [InlineData(@"(?<=a+)b", "no fixed length")]
    [InlineData(@"\p{Klingon}", "property Klingon")]
    [InlineData(@"(a", "without an end")]
    [InlineData(@"a)", "opens nothing")]
    [InlineData(@"[a", "without an end")]
    [InlineData(@"*a", "repetition of nothing")]
    [InlineData(@"[b-a]", "range whose end")]
    [InlineData(@"\k<a>", "\\k")]
    [InlineData(@"a{200000}", "count above")]
    [InlineData(@"(?~a)", "(?~")]
    [InlineData(@"\x{110000}", "no character")]
    [InlineData("a\\", "backslash at the end")]
    public void WhatIsNotUnderstoodIsRefusedByName(string pattern, string what) =>
        Assert.Contains(what, Assert.Throws<NotSupportedException>(() => new Pattern(pattern)).Message, StringComparison.Ordinal);

    public static TheoryData<string> Bombs =>
    [
        new string('(', 10_000) + new string(')', 10_000),
        new string('[', 10_000),
        "a" + new string('+', 10_000),
        "((((a{1000}){1000}){1000}){1000})",
        "[a" + string.Concat(Enumerable.Repeat("&&a", 10_000)) + "]",
        string.Concat(Enumerable.Repeat("(?=", 10_000)),
    ];

    [Theory, MemberData(nameof(Bombs))]
    public void APatternMadeToHurtIsRefused(string pattern) => Assert.Throws<NotSupportedException>(() => new Pattern(pattern));

    [Fact]
    public void RepeatingNothingTakesNoTime() => Assert.Equal([""], Find("((){90000}){90000}", "").ToArray());

    [Theory]
    [InlineData("(a|a)*b")]
    [InlineData("(a*)*b")]
    [InlineData("(?:a+)+$(?<!a)")]
    [InlineData("(?=(a|aa)+b)")]
    public void ASearchWithoutEndIsRefused(string pattern) => Assert.Throws<InvalidDataException>(() => Find(pattern, new string('a', 5000)));

    [Fact]
    public void PatternsOfModelsStayFarBelowTheLimit()
    {
        var text = string.Concat(Enumerable.Repeat(" aB1 \u4e2d\u6587\ud83d\ude00...\r\n\t'll", 1000)) + new string(' ', 20_000) + new string('A', 20_000) + new string('7', 3_000);
        foreach (var name in new[] { "gpt-4o", "tekken", "kimi-k2", "deepseek-v3", "qwen35", "jais-2", "afmoe", "superbpe" })
        {
            var ends = new List<int>();
            PreTokenization.FromGgufName(name).Build().Split(text, 0, ends, new WorkLimit("test", text.Length));
            Assert.Equal(text.Length, ends[^1]);
        }
    }

    private static IEnumerable<string> Find(string pattern, string text)
    {
        var matches = new List<(int Start, int End)>();
        new Pattern(pattern).FindAll(text, matches, new WorkLimit("test", text.Length));
        return matches.Select(match => text[match.Start..match.End]);
    }

    /// <summary>A set has no table before it is asked, and that of one character never.</summary>
    [Fact]
    public void A_large_pattern_takes_memory_by_its_length()
    {
        var text = string.Concat(Enumerable.Range(0, 15_000).Select(i => (char)(0x4E00 + i)));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var matches = new List<(int, int)>();
        new Pattern(text).FindAll(text, matches, new WorkLimit("test", text.Length));
        Assert.Equal([(0, text.Length)], matches);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 15_000 * 1_000);
    }
}
