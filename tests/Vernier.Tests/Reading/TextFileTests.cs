using System.Text;
using Vernier.Reading;

namespace Vernier.Tests.Reading;

/// <summary>One rule for every text that users bring, read whole or by lines.</summary>
public sealed class TextFileTests : TemporaryFolderTests
{
    [Fact]
    public void A_byte_order_mark_is_dropped_at_the_start_only()
    {
        var path = Write([.. "\uFEFFa\r\n\uFEFFb\n\nc"u8]);
        Assert.Equal("a\r\n\uFEFFb\n\nc", TextFile.Read(path));
        Assert.Equal(["1:a\r", "2:\uFEFFb", "3:", "4:c"], Lines(path));
        Assert.Equal([false, false, true, false], TextFile.ReadLines(path).Select(line => line.IsBlank));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(400_000)]
    public void Lines_of_any_length_come_whole(int length)
    {
        var line = string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + i % 26)));
        var path = Write(Encoding.UTF8.GetBytes($"{line}\nü{line}\n\nend\n"));
        Assert.Equal([$"1:{line}", $"2:ü{line}", "3:", "4:end"], Lines(path));
    }

    [Theory]
    [InlineData("a\nb\u00ffc", 3, 2)]
    [InlineData("\u00ff", 0, 1)]
    [InlineData("ok\nok\n\u00e9", 6, 3)]
    [InlineData("\u00ed\u00a0\u0080", 0, 1)] // half a surrogate pair in the bytes themselves
    [InlineData("a\u00c0\u0080", 1, 1)] // a zero in two bytes
    public void What_is_not_UTF8_is_named_with_its_place(string latin1, int offset, int line)
    {
        var path = Write(Encoding.Latin1.GetBytes(latin1));
        Refused($"found bytes at offset {offset} (line {line}) that are not UTF-8", path);
    }

    [Fact]
    public void Bad_bytes_behind_the_first_block_are_named_too()
    {
        var path = Write([.. Enumerable.Repeat((byte)'a', 70_000), (byte)'\n', .. Enumerable.Repeat((byte)'b', 70_000), 0xff]);
        Refused("offset 140001 (line 2)", path);
    }

    [Fact]
    public void Rows_before_a_bad_one_are_read()
    {
        using var lines = TextFile.ReadLines(Write([.. "one\n"u8, 0xff])).GetEnumerator();
        Assert.True(lines.MoveNext());
        Assert.Equal("one", Encoding.UTF8.GetString(lines.Current.Bytes.Span));
        Assert.Throws<InvalidDataException>(() => lines.MoveNext());
    }

    [Fact]
    public void Other_encodings_and_archives_are_named()
    {
        Refused("is UTF-16 text", Write([.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes("abc")]));
        Refused("is UTF-16 text", Write([.. Encoding.BigEndianUnicode.Preamble, .. Encoding.BigEndianUnicode.GetBytes("abc")]));
        Refused("is UTF-32 text", Write([.. Encoding.UTF32.Preamble, .. Encoding.UTF32.GetBytes("abc")]));
        Refused("is UTF-16 text without a byte order mark", Write(Encoding.Unicode.GetBytes("abc")));
        Refused("is a gzip archive", Write([0x1f, 0x8b, 8, 0, 0]));
        Refused("zero byte at offset 5 (line 2)", Write([.. "ab\ncd\0e"u8]));
    }

    [EndlessFileFact]
    public void A_device_without_end_is_refused() => Refused("a device", EndlessFileFactAttribute.Endless);

    [Fact]
    public void Nothing_is_no_text()
    {
        foreach (var bytes in (byte[][])[[], [.. "\uFEFF"u8]])
            Assert.Contains("is empty", Assert.Throws<InvalidDataException>(() => TextFile.Read(Write(bytes))).Message);
        Assert.Empty(TextFile.ReadLines(Write([])));
    }

    private void Refused(string message, string path)
    {
        foreach (var read in (Action[])[() => TextFile.Read(path), () => _ = TextFile.ReadLines(path).ToList()])
        {
            var e = Assert.Throws<InvalidDataException>(read);
            Assert.StartsWith(path + ": ", e.Message);
            Assert.Contains(message, e.Message);
        }
    }

    private static string[] Lines(string path) => [.. TextFile.ReadLines(path).Select(line => $"{line.Number}:{Encoding.UTF8.GetString(line.Bytes.Span)}")];

    private string Write(byte[] bytes)
    {
        File.WriteAllBytes(Temporary.At("x"), bytes);
        return Temporary.At("x");
    }

    private sealed class EndlessFileFactAttribute : FactAttribute
    {
        public const string Endless = "/dev/zero";

        public EndlessFileFactAttribute() => Skip = File.Exists(Endless) ? null : $"{Endless} is not on this system";
    }
}
