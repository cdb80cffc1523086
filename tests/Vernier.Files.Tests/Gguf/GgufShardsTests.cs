using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;

namespace Vernier.Files.Tests.Gguf;

/// <summary>A file that was split is read as one, from any of its shards; a shard that is alone says what it is.</summary>
public sealed class GgufShardsTests : TemporaryFolderTests
{
    private static readonly byte[] s_bytes = [.. Enumerable.Range(0, 128).Select(i => (byte)i)];

    [Fact]
    public void Shards_are_one_file()
    {
        string[] paths = [Write(0, 3), Write(1, 3), Write(2, 3)];
        foreach (var path in paths)
        {
            using var file = GgufFile.Open(path);
            Assert.Equal(3, file.Shards);
            Assert.Equal(["a0", "b0", "a1", "b1", "a2", "b2"], file.Tensors.Select(t => t.Name));
            Assert.Equal(["general.architecture"], file.Metadata.Select(v => v.Key));
            foreach (var tensor in file.Tensors)
                Assert.Equal(s_bytes.Select(b => (byte)(b + tensor.Shard)), file.Bytes(tensor).ToArray());
            Assert.Equal(paths.Sum(p => new FileInfo(p).Length), file.Length);
        }
    }

    [Fact]
    public void A_shard_alone_says_what_it_is_and_what_is_missing()
    {
        var path = Write(0, 2);
        var message = Assert.Throws<InvalidDataException>(() => GgufFile.Open(path)).Message;
        Assert.Contains("a shard of a split file (split.no 0 of split.count 2)", message);
        Assert.Contains("m-00002-of-00002.gguf", message);
        Assert.Contains("llama-gguf-split --merge", message);
        var renamed = Path.Combine(Temporary.Path, "model.gguf");
        File.Move(path, renamed);
        Assert.Contains("its name does not end in '-00001-of-00002.gguf'", Assert.Throws<InvalidDataException>(() => GgufFile.Open(renamed)).Message);
    }

    [Fact]
    public void Shards_of_another_model_are_refused()
    {
        var first = Write(0, 2);
        File.Copy(first, Path.Combine(Temporary.Path, "m-00002-of-00002.gguf"));
        Assert.Contains("split.no 0", Assert.Throws<InvalidDataException>(() => GgufFile.Open(first)).Message);
        Write(1, 2, names: 0);
        Assert.Contains("a second time", Assert.Throws<InvalidDataException>(() => GgufFile.Open(first)).Message);
        Write(1, 2, tensors: 5);
        using (var file = GgufFile.Open(first)) // the first shard's count is the one that counts
            Assert.Equal(4, file.Tensors.Count);
        Write(0, 2, tensors: 5);
        Assert.Contains("split.tensors.count 5", Assert.Throws<InvalidDataException>(() => GgufFile.Open(first)).Message);
    }

    [Fact]
    public void A_split_that_broke_off_is_refused()
    {
        var path = Write(0, 0);
        Assert.Contains("split.count 0", Assert.Throws<InvalidDataException>(() => GgufFile.Open(path)).Message);
    }

    [Theory]
    [InlineData(1, 4)]
    [InlineData(128, 4)]
    [InlineData(256, 2)]
    [InlineData(300, 2)]
    [InlineData(10_000, 1)]
    public void Files_are_as_large_as_they_may_be_and_read_as_one(long most, int files)
    {
        WriteSplit("x.gguf", most);
        Assert.Equal(Enumerable.Range(1, files).Select(i => $"x-{i:D5}-of-{files:D5}.gguf"), Names());
        using var file = GgufFile.Open(Path.Combine(Temporary.Path, $"x-{files:D5}-of-{files:D5}.gguf"));
        Assert.Equal((files, files == 1 ? null : (int?)files), (file.Shards, file.Shard));
        Assert.Equal(["t0", "t1", "t2", "t3"], file.Tensors.Select(t => t.Name));
        Assert.All(file.Tensors, tensor => Assert.Equal(s_bytes, file.Bytes(tensor).ToArray()));
        Assert.Equal("llama", file.Metadata.FindString("general.architecture"));
    }

    /// <summary>Keys and types as gguf-split of llama.cpp writes them: all metadata in the first, the numbers alone in the others.</summary>
    [Fact]
    public void A_shard_says_which_it_is()
    {
        WriteSplit("x.gguf", 256);
        var second = File.ReadAllBytes(Path.Combine(Temporary.Path, "x-00002-of-00002.gguf"));
        var header = GgufReader.Read("x", second, second.Length);
        Assert.Equal(["general.alignment", "split.no", "split.count", "split.tensors.count"], header.Metadata.Select(v => v.Key));
        Assert.Equal([(GgufValueType.UInt16, 1L), (GgufValueType.UInt16, 2L), (GgufValueType.Int32, 4L)], header.Metadata.Skip(1).Select(v => (v.Type, v.AsInteger())));
    }

    [Fact]
    public void A_split_is_replaced_as_a_whole_or_not_at_all()
    {
        WriteSplit("x.gguf", 128);
        var before = Names().ToDictionary(n => n, n => File.ReadAllBytes(Path.Combine(Temporary.Path, n)));
        using (var writer = Begin("x.gguf", 256))
        {
            writer.Write(s_bytes);
            writer.Write(s_bytes);
            writer.Write(s_bytes);
            Assert.Throws<InvalidOperationException>(writer.Commit);
        }
        Assert.Equal(before.Keys.Order(), Names());
        Assert.All(before, pair => Assert.Equal(pair.Value, File.ReadAllBytes(Path.Combine(Temporary.Path, pair.Key))));
        WriteSplit("x-00001-of-00004.gguf", 256); // the name of a file of the split means the split
        Assert.Equal(["x-00001-of-00002.gguf", "x-00002-of-00002.gguf"], Names());
    }

    private string[] Names() => [.. Directory.EnumerateFiles(Temporary.Path).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    private GgufWriter Begin(string name, long most)
    {
        GgufTensorPlan[] plans = [.. Enumerable.Range(0, 4).Select(i => new GgufTensorPlan($"t{i}", [8, 4], BlockFormats.F32))];
        var metadata = GgufMetadata.Of([GgufValue.Of("general.architecture", "llama"), GgufValue.Of("general.alignment", 64u), GgufValue.Of("split.count", 9u)]);
        return GgufWriter.CreateSplit(Path.Combine(Temporary.Path, name), metadata, plans, most);
    }

    private string WriteSplit(string name, long most)
    {
        using var writer = Begin(name, most);
        for (var i = 0; i < 4; i++)
            writer.Write(s_bytes);
        writer.Commit();
        return writer.Paths[0];
    }

    private string Write(uint number, uint count, uint? names = null, uint? tensors = null)
    {
        var path = Path.Combine(Temporary.Path, $"m-{number + 1:D5}-of-{count:D5}.gguf");
        var metadata = GgufMetadata.Of([
            .. number == 0 ? new[] { GgufValue.Of("general.architecture", "llama") } : [],
            GgufValue.Of("split.no", number), GgufValue.Of("split.count", count), GgufValue.Of("split.tensors.count", tensors ?? 2 * count)]);
        GgufTensorPlan[] plans = [new($"a{names ?? number}", [8, 4], BlockFormats.F32), new($"b{names ?? number}", [8, 4], BlockFormats.F32)];
        using var writer = GgufWriter.Create(path, metadata, plans);
        foreach (var _ in plans)
            writer.Write([.. s_bytes.Select(b => (byte)(b + number))]);
        writer.Commit();
        return path;
    }
}
