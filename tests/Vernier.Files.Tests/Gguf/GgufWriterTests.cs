using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.TestSupport;

namespace Vernier.Files.Tests.Gguf;

public class GgufWriterTests
{
    public static TheoryData<string> Models => GgufFileTests.Models;

    [Theory]
    [MemberData(nameof(Models))]
    public void A_copy_is_the_same_byte_for_byte(string name)
    {
        using var folder = new TemporaryFolder();
        using var source = GgufFile.Open(SharedFiles.At(name));
        Copy(source, source.Metadata, folder["copy.gguf"]);
        Assert.True(File.ReadAllBytes(source.Path).AsSpan().SequenceEqual(File.ReadAllBytes(folder["copy.gguf"])));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Changed_and_added_keys_leave_the_others_alone(string name)
    {
        using var folder = new TemporaryFolder();
        using var source = GgufFile.Open(SharedFiles.At(name));
        Copy(source, source.Metadata.With(GgufValue.Of("general.name", "tuned"), GgufValue.Of("added.texts", ["a", "\u00e9"]), GgufValue.Of("general.alignment", 128u)), folder["copy.gguf"]);
        using var copy = GgufFile.Open(folder["copy.gguf"]);
        Assert.Equal("tuned", copy.Metadata["general.name"].AsString());
        Assert.Equal(["a", "\u00e9"], copy.Metadata["added.texts"].AsStrings());
        Assert.Equal(128, copy.Alignment);
        Assert.All(copy.Tensors, t => Assert.Equal(0, t.Offset % 128));
        foreach (var value in source.Metadata.Where(v => v.Key is not ("general.name" or "general.alignment")))
            Assert.Equal(value.Raw.ToArray(), copy.Metadata[value.Key].Raw.ToArray());
        foreach (var tensor in source.Tensors)
            Assert.True(source.Bytes(tensor).SequenceEqual(copy.Bytes(copy.Get(tensor.Name))));
    }

    [Fact]
    public void Values_of_every_kind_come_back()
    {
        using var folder = new TemporaryFolder();
        var metadata = GgufMetadata.Of(
        [
            GgufValue.Of("s", "gr\u00fc\u00df"), GgufValue.Of("u", 4000000000u), GgufValue.Of("f", 0.1f), GgufValue.Of("b", true),
            GgufValue.Of("as", (string[])["", "x"]), GgufValue.Of("ai", (int[])[1, -2]), GgufValue.Of("af", (float[])[0.5f]),
        ]);
        using (var writer = GgufWriter.Create(folder["a.gguf"], metadata, []))
            writer.Commit();
        using var file = GgufFile.Open(folder["a.gguf"]);
        Assert.Equal("gr\u00fc\u00df", file.Metadata["s"].AsString());
        Assert.Equal(4000000000, file.Metadata["u"].AsInteger());
        Assert.Equal(0.1f, (float)file.Metadata["f"].AsNumber());
        Assert.True(file.Metadata["b"].AsBool());
        Assert.Equal(["", "x"], file.Metadata["as"].AsStrings());
        Assert.Equal([1, -2], file.Metadata["ai"].AsNumbers<int>());
        Assert.Equal([0.5f], file.Metadata["af"].AsNumbers<float>());
    }

    [Fact]
    public void Changes_take_the_places_of_the_old_values_the_first_too()
    {
        var changed = GgufMetadata.Of([GgufValue.Of("a", 1u), GgufValue.Of("b", 2u), GgufValue.Of("c", 3u)]).With(GgufValue.Of("a", 9u), GgufValue.Of("d", 4u), GgufValue.Of("c", 8u));
        Assert.Equal([("a", 9), ("b", 2), ("c", 8), ("d", 4)], changed.Select(v => (v.Key, v.AsInteger())));
        Assert.Equal(["b", "d"], changed.Without(["a", "c"]).Select(v => v.Key));
    }

    [Fact]
    public void Four_dimensions_are_read_and_five_or_an_empty_one_are_refused()
    {
        using var folder = new TemporaryFolder();
        using (var writer = GgufWriter.Create(folder["a.gguf"], GgufMetadata.Of([]), [new GgufTensorPlan("t", [2, 1, 1, 1], BlockFormats.F32)]))
        {
            writer.Write(new byte[8]);
            writer.Commit();
        }
        using (var file = GgufFile.Open(folder["a.gguf"]))
            Assert.Equal([2, 1, 1, 1], file.Get("t").Dimensions);
        var good = File.ReadAllBytes(folder["a.gguf"]);
        const int Rank = 24 + 8 + 1; // behind the header and the name
        Damage(Rank, 5, "5 dimensions");
        Damage(Rank + 4, 0, "dimension 0 of size 0");
        Damage(Rank + 4 + 8 + 7, 0x80, "dimension 1 of size 9223372036854775809");

        void Damage(int at, byte value, string says)
        {
            var bad = good.ToArray();
            bad[at] = value;
            File.WriteAllBytes(folder["b.gguf"], bad);
            Assert.Contains(says, Assert.Throws<InvalidDataException>(() => GgufFile.Open(folder["b.gguf"]).Dispose()).Message);
        }
    }

    [Fact]
    public void An_unfinished_file_leaves_the_old_one_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["a.gguf"], "old");
        using (var writer = GgufWriter.Create(folder["a.gguf"], GgufMetadata.Of([]), [new GgufTensorPlan("t", [32, 2], BlockFormats.Find("Q4_0")!)]))
        {
            writer.Write(new byte[18]);
            Assert.Throws<InvalidOperationException>(writer.Commit);
            Assert.Throws<ArgumentException>(() => writer.Write(new byte[19]));
        }
        Assert.Equal("old", File.ReadAllText(folder["a.gguf"]));
        Assert.Equal([folder["a.gguf"]], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_missing_folder_is_named()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder["missing"], "a.gguf");
        var error = Assert.ThrowsAny<IOException>(() => GgufWriter.Create(path, GgufMetadata.Of([]), []));
        Assert.Contains(path, error.Message);
    }

    private static void Copy(GgufFile source, GgufMetadata metadata, string path)
    {
        using var writer = GgufWriter.Create(path, metadata, [.. source.Tensors.Select(t => t.Plan)]);
        foreach (var tensor in source.Tensors)
            for (var row = 0L; row < tensor.Rows; row++)
                writer.Write(source.Row(tensor, row));
        writer.Commit();
    }
}
