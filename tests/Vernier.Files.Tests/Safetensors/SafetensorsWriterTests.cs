using FsCheck;
using FsCheck.Fluent;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.TestSupport;

namespace Vernier.Files.Tests.Safetensors;

public class SafetensorsWriterTests
{
    public static TheoryData<string> Files => SharedFiles.Rows("goldens/formats/gguf_blocks/*.safetensors", "goldens/formats/edge/safetensors/ok_*.safetensors");

    [Theory]
    [MemberData(nameof(Files))]
    public void A_copy_reads_as_the_source(string name)
    {
        using var folder = new TemporaryFolder();
        using var source = SafetensorsFile.Open(SharedFiles.At(name));
        using (var writer = SafetensorsWriter.Create(folder["a.safetensors"], [.. source.Tensors.Select(t => new SafetensorsPlan(t.Name, t.Type, t.Shape))], source.Metadata))
        {
            foreach (var tensor in source.Tensors)
                writer.Write(source.Bytes(tensor));
            writer.Commit();
        }
        using var copy = SafetensorsFile.Open(folder["a.safetensors"]);
        Assert.Equal(source.Metadata, copy.Metadata);
        Assert.Equal(source.Tensors.Select(t => t.Name), copy.Tensors.Select(t => t.Name));
        foreach (var tensor in source.Tensors)
        {
            Assert.Equal(tensor.Shape, copy.Get(tensor.Name).Shape);
            Assert.Equal(tensor.Type, copy.Get(tensor.Name).Type);
            Assert.True(source.Bytes(tensor).SequenceEqual(copy.Bytes(copy.Get(tensor.Name))));
        }
    }

    [Fact]
    public void Any_tensors_come_back()
    {
        using var folder = new TemporaryFolder();
        var path = folder["a.safetensors"];
        Check.QuickThrowOnFailure(Prop.ForAll<float[][], string[]>((values, names) =>
        {
            var plans = values.Select((v, i) => new SafetensorsPlan($"{names.ElementAtOrDefault(i)}#{i}", ElementType.F32, [v.Length])).ToArray();
            using (var writer = SafetensorsWriter.Create(path, plans))
            {
                foreach (var v in values)
                    writer.Write(v, ElementType.F32);
                writer.Commit();
            }
            using var file = SafetensorsFile.Open(path);
            return values.Select((v, i) => v.AsSpan().SequenceEqual(file.ReadSingles(file.Tensors[i].Name)) || v.Any(float.IsNaN)).All(same => same);
        }));
    }

    [Fact]
    public void Values_are_rounded_to_the_type_of_the_tensor()
    {
        using var folder = new TemporaryFolder();
        using (var writer = SafetensorsWriter.Create(folder["a.safetensors"], [new("h", ElementType.F16, [1, 3]), new("b", ElementType.BF16, [2])], new Dictionary<string, string> { ["format"] = "pt" }))
        {
            writer.Write([1.0001f, -2, 70000], ElementType.F16);
            writer.Write([1.001f, float.NaN], ElementType.BF16);
            writer.Commit();
        }
        using var file = SafetensorsFile.Open(folder["a.safetensors"]);
        Assert.Equal([1, -2, float.PositiveInfinity], file.ReadSingles("h"));
        Assert.Equal([1, float.NaN], file.ReadSingles("b"));
        Assert.Equal("pt", file.Metadata["format"]);
    }

    [Fact]
    public void An_unfinished_file_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        using (var writer = SafetensorsWriter.Create(folder["a.safetensors"], [new("t", ElementType.F32, [2])]))
            Assert.Throws<InvalidOperationException>(writer.Commit);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_cancelled_file_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        using var cancel = new CancellationTokenSource();
        using (var writer = SafetensorsWriter.Create(folder["a.safetensors"], [new("t", ElementType.F32, [2])], cancel: cancel.Token))
        {
            writer.Write(new byte[4]);
            cancel.Cancel();
            Assert.Throws<OperationCanceledException>(() => writer.Write(new byte[4]));
        }
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void The_same_name_twice_is_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Create(folder["a.safetensors"], [new("t", ElementType.F32, [2]), new("t", ElementType.F32, [2])]));
    }
}
