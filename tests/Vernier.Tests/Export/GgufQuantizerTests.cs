using Vernier.Calibration;
using Vernier.Export;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Quantization.Blocks;
using Vernier.TestSupport;

namespace Vernier.Tests.Export;

public sealed class GgufQuantizerTests : IDisposable
{
    private const string Model = "goldens/models/llama-gqa";

    private readonly string _folder = Directory.CreateTempSubdirectory("vernier").FullName;

    /// <summary>Rows of 64 columns are no super-blocks: the fall-backs of 32 columns.</summary>
    [Theory]
    [InlineData("q4_k_m", "Q5_0", "Q8_0", 15)]
    [InlineData("iq4_xs", "IQ4_NL", "Q8_0", 30)]
    [InlineData("q4_0", "Q4_0", "Q8_0", 2)]
    public void AFileKeepsItsMetadataAndOrder(string mixture, string usual, string head, long fileType)
    {
        var source = WriteSource(rows: 8, columns: 64);
        using var file = GgufFile.Open(source);
        var result = GgufQuantizer.Write(file, At("out.gguf"), new BlockQuantizeOptions { To = mixture, Threads = 2 });
        using var written = GgufFile.Open(At("out.gguf"));
        Assert.Equal(file.Tensors.Select(t => t.Name), written.Tensors.Select(t => t.Name));
        Assert.Equal("kept", written.Metadata["custom.key"].AsString());
        Assert.Equal((fileType, 2), (written.Metadata["general.file_type"].AsInteger(), written.Metadata["general.quantization_version"].AsInteger()));
        Assert.Equal(head, written.Get("token_embd.weight").Format.Name);
        Assert.Equal(usual, written.Get("blk.1.attn_q.weight").Format.Name);
        Assert.Equal(file.ReadAll(file.Get("output_norm.weight")), written.ReadAll(written.Get("output_norm.weight")));
        Assert.False(result.Requantized);
        foreach (var layer in result.Layers)
        {
            var (before, after) = (file.ReadAll(file.Get(layer.Name)), written.ReadAll(written.Get(layer.Name)));
            Assert.Equal(layer.RelativeError, before.Zip(after, (a, b) => Math.Pow((double)a - b, 2)).Sum() / before.Sum(a => (double)a * a), 1e-9);
            Assert.InRange(layer.RelativeError, 1e-7, 0.02);
        }
    }

    [Fact]
    public void SuperBlocksAndThreadsGiveTheSameBytes()
    {
        using var file = GgufFile.Open(WriteSource(rows: 24, columns: 512));
        foreach (var threads in new[] { 1, 3 })
            GgufQuantizer.Write(file, At($"{threads}.gguf"), new BlockQuantizeOptions { To = "q4_k_m", Threads = threads });
        Assert.Equal(File.ReadAllBytes(At("1.gguf")), File.ReadAllBytes(At("3.gguf")));
        using var written = GgufFile.Open(At("1.gguf"));
        Assert.Equal("Q6_K", written.Get("token_embd.weight").Format.Name);
        Assert.Equal("Q4_K", written.Get("blk.0.attn_q.weight").Format.Name);
    }

    /// <summary>Without importances the formats that ggml has a rounding for keep its bits; with them the search decides.</summary>
    [Fact]
    public void ImportancesWeighErrors()
    {
        using var file = GgufFile.Open(WriteSource(rows: 32, columns: 256));
        float[] sums = [.. Enumerable.Range(0, 256).Select(i => i % 7 == 0 ? 50f : 0.5f)];
        var entry = new ImportanceMatrix.Entry(sums, [10]);
        var importance = new ImportanceMatrix("some/matrix.gguf", ["text.txt"], 3, 16, new() { ["blk.0.attn_q.weight"] = entry });
        GgufQuantizer.Write(file, At("plain.gguf"), new BlockQuantizeOptions { To = "q4_0" });
        var result = GgufQuantizer.Write(file, At("weighed.gguf"), new BlockQuantizeOptions { To = "q4_0", Importance = importance });
        Assert.Contains("blk.1.attn_q.weight", Assert.Single(result.Notes), StringComparison.Ordinal);
        using var plain = GgufFile.Open(At("plain.gguf"));
        using var weighed = GgufFile.Open(At("weighed.gguf"));
        Assert.Equal(plain.Bytes(plain.Get("blk.1.attn_q.weight")), weighed.Bytes(weighed.Get("blk.1.attn_q.weight")));
        var x = file.ReadAll(file.Get("blk.0.attn_q.weight"));
        Assert.True(Error(weighed) < 0.9 * Error(plain));
        Assert.Equal("matrix.gguf", weighed.Metadata["quantize.imatrix.file"].AsString());
        Assert.Equal("text.txt", weighed.Metadata["quantize.imatrix.dataset"].AsString());
        Assert.Equal((1, 3), (weighed.Metadata["quantize.imatrix.entries_count"].AsInteger(), weighed.Metadata["quantize.imatrix.chunks_count"].AsInteger()));

        double Error(GgufFile quantized) => quantized.ReadAll(quantized.Get("blk.0.attn_q.weight")).Select((y, i) => sums[i % 256] * Math.Pow((double)y - x[i], 2)).Sum();
    }

    [Fact]
    public void AMatrixOfAnotherModelIsRefused()
    {
        using var file = GgufFile.Open(WriteSource(rows: 32, columns: 256));
        var importance = new ImportanceMatrix("other.gguf", [], 1, 16, new() { ["blk.0.attn_q.weight"] = new(new float[128], [1]) });
        var refusal = Assert.Throws<InvalidDataException>(() => GgufQuantizer.Write(file, At("out.gguf"), new BlockQuantizeOptions { To = "q4_k_m", Importance = importance }));
        Assert.Contains("128", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Q2_K", Assert.Throws<NotSupportedException>(() => GgufQuantizer.Write(file, At("out.gguf"), new BlockQuantizeOptions { To = "q2_k_s" })).Message, StringComparison.OrdinalIgnoreCase);
        Assert.Throws<ArgumentException>(() => GgufQuantizer.Write(file, At("out.gguf"), new BlockQuantizeOptions { To = "q4_q" }));
        Assert.False(File.Exists(At("out.gguf")));
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.NegativeInfinity, "-Infinity")]
    [InlineData(1e6f, "1000000")]
    public void WeightsThatCannotBeHeldAreNamed(float bad, string said)
    {
        using var file = GgufFile.Open(WriteSource(rows: 32, columns: 256, bad: bad));
        File.WriteAllText(At("out.gguf"), "older");
        var refusal = Assert.Throws<InvalidDataException>(() => GgufQuantizer.Write(file, At("out.gguf"), new BlockQuantizeOptions { To = "q4_k_m" }));
        Assert.Contains($"'blk.1.attn_q.weight': row 3: found {said} in column 5", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("older", File.ReadAllText(At("out.gguf")));
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    /// <summary>A folder's model is quantized as the GGUF file that it would be exported to.</summary>
    [Fact]
    public void AFolderBecomesWhatItsExportBecomes()
    {
        using var model = LanguageModel.Load(SharedFiles.At(Model));
        model.ExportGguf(At("export.gguf"));
        GgufQuantizer.Write(model, At("direct.gguf"), new BlockQuantizeOptions { To = "q4_k_m" });
        using var export = GgufFile.Open(At("export.gguf"));
        GgufQuantizer.Write(export, At("again.gguf"), new BlockQuantizeOptions { To = "q4_k_m" });
        using var direct = GgufFile.Open(At("direct.gguf"));
        using var again = GgufFile.Open(At("again.gguf"));
        Assert.NotEmpty(direct.Tensors);
        foreach (var tensor in again.Tensors.Where(t => t.Format.Codes is not null))
            Assert.Equal(again.Bytes(tensor), direct.Bytes(direct.Get(tensor.Name)));
        using var back = LanguageModel.Load(At("direct.gguf"));
        Assert.Equal(model.Config.HiddenSize, back.Config.HiddenSize);
    }

    /// <summary>Experts lie one after the other in a tensor, and each has importances of its own.</summary>
    [Fact]
    public void EveryExpertHasItsOwnImportances()
    {
        float[] x = [.. Enumerable.Range(0, 2 * 3 * 32).Select(i => MathF.Sin(i * i))];
        float[] sums = [.. Enumerable.Range(0, 64).Select(i => (i < 32) == (i % 2 == 0) ? 9f : 1f)];
        using (var writer = GgufWriter.Create(At("experts.gguf"), Metadata(), [new("blk.0.ffn_up_exps.weight", [32, 3, 2], BlockFormats.F32)]))
        {
            writer.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(x.AsSpan()));
            writer.Commit();
        }
        using var file = GgufFile.Open(At("experts.gguf"));
        var importance = new ImportanceMatrix("m", [], 1, 16, new() { ["blk.0.ffn_up_exps.weight"] = new(sums, [1, 1]) });
        GgufQuantizer.Write(file, At("out.gguf"), new BlockQuantizeOptions { To = "iq4_nl", Importance = importance });
        using var written = GgufFile.Open(At("out.gguf"));
        var expected = new byte[written.Tensors[0].ByteLength];
        for (var expert = 0; expert < 2; expert++)
            for (var row = 0; row < 3; row++)
                BlockQuantizer.Find(BlockFormats.Find("IQ4_NL")!)!.Quantize(x.AsSpan((3 * expert + row) * 32, 32), BlockQuantizer.Weights(sums.AsSpan(32 * expert, 32)), expected.AsSpan((3 * expert + row) * 18, 18));
        Assert.Equal(expected, written.Bytes(written.Tensors[0]).ToArray());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string name) => Path.Combine(_folder, name);

    private static GgufMetadata Metadata() => GgufMetadata.Of(
    [
        GgufValue.Of("general.architecture", "llama"),
        GgufValue.Of("custom.key", "kept"),
        GgufValue.Of("llama.block_count", 2u),
        GgufValue.Of("llama.attention.head_count", 2u),
    ]);

    /// <summary>An embedding that is the head, a norm and two matrices, in F32.</summary>
    private string WriteSource(int rows, int columns, float? bad = null)
    {
        var random = new Random(7);
        GgufTensorPlan[] plans =
        [
            new("token_embd.weight", [columns, rows], BlockFormats.F32),
            new("output_norm.weight", [columns], BlockFormats.F32),
            new("blk.1.attn_q.weight", [columns, rows], BlockFormats.F32),
            new("blk.0.attn_q.weight", [columns, rows], BlockFormats.F32),
        ];
        using var writer = GgufWriter.Create(At("source.gguf"), Metadata(), plans);
        foreach (var plan in plans)
        {
            var values = new float[plan.ByteLength / sizeof(float)];
            for (var i = 0; i < values.Length; i++)
                values[i] = (random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f) * 0.1f;
            if (bad is { } number && plan.Name == "blk.1.attn_q.weight")
                values[3 * columns + 5] = number;
            writer.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        }
        writer.Commit();
        return At("source.gguf");
    }
}
