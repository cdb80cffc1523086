using System.IO.Compression;
using System.Text;
using Vernier.Data;
using Vernier.Reading;
using Vernier.Tests.Evaluation;
using Vernier.Tests.Tuning;
using ZstdSharp;

namespace Vernier.Tests.Reading;

/// <summary>NAME.gz and NAME.zst are NAME, packed.</summary>
public class CompressedFileTests
{
    private const string Lines = """{"prompt": "a ", "completion": "b"}""" + "\n" + """{"prompt": "ü", "completion": "c"}""" + "\n";

    [Theory]
    [InlineData("x.jsonl", Lines)]
    [InlineData("x.JSON", "[{\"text\": \"abc\"}, {\"text\": \"def\"}]")]
    [InlineData("x.json", Lines)]
    [InlineData("x.txt", "some text that is cut")]
    public void Packed_data_are_the_same_data(string name, string content)
    {
        using var folder = new TemporaryFolder();
        var plain = Load(folder.Write(name, content)).Sha256();
        foreach (var ending in (string[])[".gz", ".zst", ".GZ"])
        {
            Write(folder.At(name + ending), Encoding.UTF8.GetBytes(content));
            Assert.Equal(plain, Load(folder.At(name + ending)).Sha256());
        }
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".zst")]
    public void Parts_in_a_row_are_one_text(string ending)
    {
        using var folder = new TemporaryFolder();
        Write(folder.At("b" + ending), "two"u8);
        Write(folder.At("a" + ending), "one "u8);
        File.AppendAllBytes(folder.At("a" + ending), File.ReadAllBytes(folder.At("b" + ending)));
        Assert.Equal("one two", TextFile.Read(folder.At("a" + ending)));
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".zst")]
    public void A_place_is_that_of_the_unpacked_line(string ending)
    {
        using var folder = new TemporaryFolder();
        var path = folder.At("x.jsonl" + ending);
        Write(path, Encoding.UTF8.GetBytes(Lines + "{oh}\n"));
        Assert.StartsWith($"{path}: line 3, column 2: ", Assert.Throws<InvalidDataException>(() => Load(path)).Message);
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".zst")]
    public void Damage_and_missing_ends_are_refused(string ending)
    {
        using var folder = new TemporaryFolder();
        var path = folder.At("x.txt" + ending);
        Write(path, Encoding.UTF8.GetBytes(string.Join(' ', Enumerable.Range(0, 5000))));
        var whole = File.ReadAllBytes(path);
        foreach (var bytes in (byte[][])[whole[..(whole.Length / 2)], whole[..^2], [.. whole[..500], .. whole[510..]], "plain text"u8.ToArray()])
        {
            File.WriteAllBytes(path, bytes);
            Assert.StartsWith(path + ": ", Assert.Throws<InvalidDataException>(() => TextFile.Read(path)).Message);
        }
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".zst")]
    public void What_grows_beyond_measure_is_refused(string ending)
    {
        using var folder = new TemporaryFolder();
        var path = folder.At("x.jsonl" + ending);
        using (var file = File.Create(path))
        using (var packed = Packer(path, file))
            for (var i = 0; i < 90; i++)
                packed.Write(new string('\n', 1 << 20).Select(c => (byte)c).ToArray());
        Assert.Contains("unpacked content: found more than", Assert.Throws<InvalidDataException>(() => _ = JsonRecord.ReadLines(path).Count()).Message);
    }

    private static void Write(string path, ReadOnlySpan<byte> content)
    {
        using var file = File.Create(path);
        using var packed = Packer(path, file);
        packed.Write(content);
    }

    private static Stream Packer(string path, Stream file) =>
        path.EndsWith(".zst", StringComparison.Ordinal) ? new CompressionStream(file, leaveOpen: false) : new GZipStream(file, CompressionMode.Compress);

    private static TrainingData Load(string path) => TrainingData.Load(path, new ByteTokenizer(), new RowOptions(4), TinyRun.Config with { VocabularySize = 257, ContextLength = 4096 });
}
