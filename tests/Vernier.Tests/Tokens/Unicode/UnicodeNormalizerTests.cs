using System.Text;
using Vernier.Tokens.Unicode;

namespace Vernier.Tests.Tokens.Unicode;

public class UnicodeNormalizerTests
{
    [Theory]
    [InlineData("e\u0301", "\u00e9", "e\u0301", "\u00e9", "e\u0301")]
    [InlineData("e\u0323\u0301", "\u1eb9\u0301", "e\u0323\u0301", "\u1eb9\u0301", "e\u0323\u0301")]
    [InlineData("e\u0301\u0323", "\u1eb9\u0301", "e\u0323\u0301", "\u1eb9\u0301", "e\u0323\u0301")]
    [InlineData("\ufb01", "\ufb01", "\ufb01", "fi", "fi")]
    [InlineData("\u1e9b\u0323", "\u1e9b\u0323", "\u017f\u0323\u0307", "\u1e69", "s\u0323\u0307")]
    [InlineData("\u212b", "\u00c5", "A\u030a", "\u00c5", "A\u030a")]
    [InlineData("\u0958", "\u0915\u093c", "\u0915\u093c", "\u0915\u093c", "\u0915\u093c")]
    [InlineData("\u0344", "\u0308\u0301", "\u0308\u0301", "\u0308\u0301", "\u0308\u0301")]
    [InlineData("\u1112\u1161\u11ab", "\ud55c", "\u1112\u1161\u11ab", "\ud55c", "\u1112\u1161\u11ab")]
    [InlineData("\uac00\u11a8\u11a8", "\uac01\u11a8", "\u1100\u1161\u11a8\u11a8", "\uac01\u11a8", "\u1100\u1161\u11a8\u11a8")]
    [InlineData("\u0f73\u0f71", "\u0f71\u0f71\u0f72", "\u0f71\u0f71\u0f72", "\u0f71\u0f71\u0f72", "\u0f71\u0f71\u0f72")]
    [InlineData("\U0002f800", "\u4e3d", "\u4e3d", "\u4e3d", "\u4e3d")]
    [InlineData("\U0001d15e", "\U0001d157\U0001d165", "\U0001d157\U0001d165", "\U0001d157\U0001d165", "\U0001d157\U0001d165")]
    [InlineData("\ufffee\u0301\uffff\ufdd0", "\ufffe\u00e9\uffff\ufdd0", "\ufffee\u0301\uffff\ufdd0", "\ufffe\u00e9\uffff\ufdd0", "\ufffee\u0301\uffff\ufdd0")]
    [InlineData("\u32ff", "\u32ff", "\u32ff", "\u32ff", "\u32ff")] // came with Unicode 12.1
    [InlineData("", "", "", "", "")]
    public void FormsAreRight(string text, string c, string d, string kc, string kd)
    {
        Assert.Equal(c, UnicodeNormalizer.Normalize(text, NormalForm.C));
        Assert.Equal(d, UnicodeNormalizer.Normalize(text, NormalForm.D));
        Assert.Equal(kc, UnicodeNormalizer.Normalize(text, NormalForm.KC));
        Assert.Equal(kd, UnicodeNormalizer.Normalize(text, NormalForm.KD));
    }

    [Fact]
    public void ALoneSurrogateIsTheReplacementCharacter() =>
        Assert.Equal("\ufffd\u00e9\ufffd", UnicodeNormalizer.Normalize("\udc00e\u0301\ud800", NormalForm.C));

    [Theory]
    [InlineData(NormalForm.C, "plain text, na\u00efve \u0107 \u4e2d\u6587 \ud83d\ude00")]
    [InlineData(NormalForm.KD, "plain text")]
    public void TextInTheFormIsTheSameString(object form, string text) => Assert.Same(text, UnicodeNormalizer.Normalize(text, (NormalForm)form));

    [Fact]
    public void EveryCharacterKeepsTheLawsOfTheForms()
    {
        for (var value = 0; value < 0x110000; value += value == 0x30000 ? 0xB0000 : 1)
        {
            if (!Rune.IsValid(value))
                continue;
            var text = new Rune(value).ToString();
            var c = UnicodeNormalizer.Normalize(text, NormalForm.C);
            var d = UnicodeNormalizer.Normalize(text, NormalForm.D);
            if (ReferenceEquals(c, text) && ReferenceEquals(d, text))
                continue;
            Assert.Equal(c, UnicodeNormalizer.Normalize(d, NormalForm.C));
            Assert.Equal(d, UnicodeNormalizer.Normalize(c, NormalForm.D));
            Assert.Equal(c, UnicodeNormalizer.Normalize(c, NormalForm.C));
            Assert.Equal(d, UnicodeNormalizer.Normalize(d, NormalForm.D));
            var kc = UnicodeNormalizer.Normalize(text, NormalForm.KC);
            Assert.Equal(kc, UnicodeNormalizer.Normalize(UnicodeNormalizer.Normalize(c, NormalForm.KD), NormalForm.KC));
        }
    }
}
