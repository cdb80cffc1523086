using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inspection;
using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>Model files that are damaged, hostile or not done here end with exit code 1 and one line that names the file and the place.</summary>
public sealed class DamagedModelTests : TemporaryFolder
{
    private string Model => File.Exists(At("model.gguf")) ? At("model.gguf") : TinyModelFile.Write(At("model.gguf"));

    public static TheoryData<string> HostileFiles
    {
        get
        {
            var rows = new TheoryData<string>();
            foreach (var kind in (string[])["gguf", "safetensors"])
                foreach (var place in SharedFiles.Folders($"goldens/formats/edge/{kind}"))
                    foreach (var node in JsonNode.Parse(File.ReadAllText(Path.Combine(place, "cases.json")))!.AsArray().Where(n => (string)n!["expect"]! == "reject"))
                        if (Path.Combine(place, (string)node!["file"]!) is var path && !SharedFiles.IsCopy(path))
                            rows.Add(SharedFiles.NameOf(path));
            return rows;
        }
    }

    /// <summary>In this process, as inspect does it: hundreds of processes would take minutes.</summary>
    [Theory]
    [MemberData(nameof(HostileFiles))]
    public void HostileFile(string file)
    {
        var error = Record.Exception(() => FileInspector.Inspect(SharedFiles.At(file)));
        Assert.True(error is InvalidDataException or NotSupportedException, $"{error}");
        Assert.StartsWith(SharedFiles.At(file) + ":", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(200)]
    [InlineData(5000)]
    [InlineData(-1)]
    public void TruncatedGguf(int length)
    {
        var bytes = File.ReadAllBytes(Model);
        File.WriteAllBytes(At("cut.gguf"), length > 0 ? bytes[..length] : bytes[..^1]);
        Refused("cut.gguf", "cut.gguf");
    }

    [Fact]
    public void CorruptedGguf()
    {
        // The length of the first metadata key, a 64-bit number behind the 24 bytes of the header.
        var bytes = File.ReadAllBytes(Model);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), 1UL << 62);
        File.WriteAllBytes(At("corrupt.gguf"), bytes);
        Refused("corrupt.gguf", "corrupt.gguf");
    }

    [Fact]
    public void UnknownBlockType()
    {
        const string Tensor = "blk.0.attn_q.weight";
        var bytes = File.ReadAllBytes(Model);
        // name, number of dimensions (4 bytes), two dimensions (8 bytes each), type
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Tensor)) + Tensor.Length + 4 + 16), 999);
        File.WriteAllBytes(At("type.gguf"), bytes);
        Refused("type.gguf", Tensor, "999");
    }

    [Fact]
    public void UnknownArchitecture()
    {
        TinyModelFile.Rewrite(Model, At("unknown.gguf"), metadata => metadata.With(GgufValue.Of("general.architecture", "perceiver")));
        Refused("unknown.gguf", "perceiver");
    }

    [Fact]
    public void MissingTensor()
    {
        TinyModelFile.Rewrite(Model, At("missing.gguf"), keep: name => name != "blk.1.ffn_up.weight");
        Refused("missing.gguf", "blk.1.ffn_up.weight");
    }

    [Fact]
    public void ShapeMismatch()
    {
        TinyModelFile.Rewrite(Model, At("shape.gguf"), metadata => metadata.With(GgufValue.Of("llama.feed_forward_length", 128u)));
        Refused("shape.gguf", "ffn_", "96", "128");
    }

    [Theory]
    [InlineData("eval", "--task", "DATA")]
    [InlineData("generate", "--prompt", "the quick")]
    [InlineData("tune", "--data", "DATA", "--steps", "1", "--out", "RUN")]
    public void TokenizerMissing(string verb, params string[] options)
    {
        var data = Write("text.txt", "the quick brown fox jumps over the lazy dog");
        TinyModelFile.Rewrite(Model, At("mute.gguf"), metadata => GgufMetadata.Of(metadata.Where(v => !v.Key.StartsWith("tokenizer.", StringComparison.Ordinal))));
        var refusal = CommandLine.Vernier([verb, At("mute.gguf"), .. options.Select(o => o switch { "DATA" => data, "RUN" => At("run"), _ => o })]).Refusal();
        Assert.Contains("no tokenizer", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.safetensors", 0.5)]
    [InlineData("model.safetensors", 0.001)]
    [InlineData("config.json", 0.5)]
    public void TruncatedFolder(string file, double keep)
    {
        Assert.Equal(0, CommandLine.Vernier("export", Model, "--to", "hf", "--out", At("folder")).ExitCode);
        var bytes = File.ReadAllBytes(At($"folder/{file}"));
        File.WriteAllBytes(At($"folder/{file}"), bytes[..(int)(bytes.Length * keep)]);
        Refused("folder", file);
    }

    private void Refused(string model, params string[] says)
    {
        var refusal = CommandLine.Vernier("generate", At(model), "--prompt-ids", "1,2,3", "--max-tokens", "1").Refusal();
        Assert.All(says.Prepend(At(model)), text => Assert.Contains(text, refusal, StringComparison.Ordinal));
    }
}
