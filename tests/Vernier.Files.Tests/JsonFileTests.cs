using Vernier.Files.Disk;

namespace Vernier.Files.Tests;

/// <summary>JSON of model folders: whatever is read can be used as text.</summary>
public class JsonFileTests
{
    [Theory]
    [InlineData("{\"a\": 1,}", "line 1")]
    [InlineData("{\n\"a\": \"\\ud800\"}", "line 2")]
    [InlineData("{\n\n\"\\udc00b\": 1}", "line 3")]
    public void What_is_no_text_is_refused_with_its_line(string json, string line)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], json);
        var message = Assert.Throws<InvalidDataException>(() => JsonFile.Parse(folder["config.json"])).Message;
        Assert.Contains(folder["config.json"], message, StringComparison.Ordinal);
        Assert.Contains(line, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0xCB)]
    [InlineData(0xFD)]
    public void Bytes_that_are_not_UTF8_are_refused(byte bad)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["config.json"], [.. "{\"a\":\""u8, bad, .. "\"}"u8]);
        Assert.Throws<InvalidDataException>(() => JsonFile.Parse(folder["config.json"]));
    }

    [Fact]
    public void A_byte_order_mark_is_dropped()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], "\uFEFF{\"a\": \"\u00e9\"}");
        using var json = JsonFile.Parse(folder["config.json"]);
        Assert.Equal("\u00e9", json.RootElement.GetProperty("a").GetString());
    }
}
