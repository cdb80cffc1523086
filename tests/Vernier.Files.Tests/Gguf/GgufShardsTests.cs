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
