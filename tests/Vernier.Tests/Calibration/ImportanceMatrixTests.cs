using Vernier.Calibration;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.TestSupport;

namespace Vernier.Tests.Calibration;

public sealed class ImportanceMatrixTests : IDisposable
{
    private const string Reference = "peers/smollm2-wikitext-40x512.imatrix.gguf";
    private const string Model = "models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf";

    private readonly string _folder = Directory.CreateTempSubdirectory("vernier").FullName;

    [Fact]
    public void EverySumIsThatOfTheInputs()
    {
        using var model = TinyRandomModel.Create();
        var ids = Enumerable.Range(0, 100).Select(i => i * 7 % model.Config.VocabularySize).ToArray();
        var chunks = ImportanceCollector.Cut("text", ids, new ImportanceOptions { Context = 16, FromChunk = 1, Chunks = 3 }, bos: 5);
        Assert.Equal([5, .. ids[17..32]], chunks[0]);
        Assert.Equal(3, chunks.Count);
        var matrix = ImportanceCollector.Collect(model, chunks, ["text"]);
        Assert.Equal(7 * model.Config.Layers, matrix.Tensors.Count);
        Assert.True(model.Decoder.IsBase);

        // The first norm's output is what q, k and v of the first block read: its mean square is the norm's weights', 1 here.
        var first = matrix.Find("blk.0.attn_q.weight", model.Config.HiddenSize, 1)!;
        Assert.InRange(first.Average(), 0.9f, 1.1f);
        Assert.Equal(first, matrix.Find("blk.0.attn_k.weight", model.Config.HiddenSize, 1));
        Assert.Null(matrix.Find("token_embd.weight", 1, 1));
    }

    [Fact]
    public void AFileIsReadBackAndLeftWholeOrRefused()
    {
        using var model = TinyRandomModel.Create();
        var chunks = ImportanceCollector.Cut("text", [.. Enumerable.Range(0, 32)], new ImportanceOptions { Context = 16 }, bos: null);
        var made = ImportanceCollector.Collect(model, chunks, ["a text"]);
        var path = Path.Combine(_folder, "made.gguf");
        made.Save(path);
        var read = ImportanceMatrix.Load(path);
        Assert.Equal((2, 16, "a text"), (read.Chunks, read.ChunkSize, Assert.Single(read.Datasets)));
        Assert.Equal(made.Tensors.Order(), read.Tensors.Order());
        Assert.Equal(made.Find("blk.1.ffn_down.weight", 96, 1), read.Find("blk.1.ffn_down.weight", 96, 1));
        Assert.Contains("blk.1.ffn_down.weight", Assert.Throws<InvalidDataException>(() => read.Find("blk.1.ffn_down.weight", 64, 1)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => ImportanceCollector.Cut("text", [1, 2, 3], new ImportanceOptions { Context = 16 }, null));

        var other = Path.Combine(_folder, "model.gguf");
        model.ExportGguf(other);
        Assert.Contains("imatrix", Assert.Throws<InvalidDataException>(() => ImportanceMatrix.Load(other)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(-1f)]
    [InlineData(float.PositiveInfinity)]
    public void NumbersThatAreNoSumsOfSquaresAreRefused(float bad)
    {
        var path = Path.Combine(_folder, "bad.gguf");
        Write(path, [1, bad, 2], [4]);
        var refusal = Assert.Throws<InvalidDataException>(() => ImportanceMatrix.Load(path));
        Assert.Contains("blk.0.attn_q.weight.in_sum2", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("place 1", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnExpertThatWasNeverChosenHasAllTheSame()
    {
        var path = Path.Combine(_folder, "experts.gguf");
        Write(path, [2, 4, 6, 8], [2, 0]);
        Assert.Equal([1, 2, 1, 1], ImportanceMatrix.Load(path).Find("blk.0.attn_q.weight", 2, 2)!);
        Write(path, [2, 4, 6], [2, 0]);
        Assert.Throws<InvalidDataException>(() => ImportanceMatrix.Load(path));
    }

    /// <summary>llama.cpp multiplies 16-bit weights by activations that it rounds to 16 bits, and keeps keys and values in 16 bits: a part in a thousand each.
    /// Sums over 2 chunks of a file of 40 would not be comparable, so all are read where long tests are asked for.</summary>
    [LongFact(Reference, Model)]
    public void SumsAreLlamaCpps()
    {
        using var model = LanguageModel.Load(SharedFiles.At(Model));
        var text = File.ReadAllText(SharedFiles.At("data/wikitext2/wikitext2_train_5k.txt"));
        var chunks = ImportanceCollector.Cut("text", model.Tokenizer!.Encode(text), new ImportanceOptions { Chunks = 40 }, bos: null);
        var (ours, theirs) = (ImportanceCollector.Collect(model, chunks, ["text"]), ImportanceMatrix.Load(SharedFiles.At(Reference)));
        Assert.Equal(theirs.Tensors.Order(StringComparer.Ordinal), ours.Tensors.Order(StringComparer.Ordinal));
        Assert.Equal((theirs.Chunks, theirs.ChunkSize), (ours.Chunks, ours.ChunkSize));
        foreach (var name in theirs.Tensors)
        {
            var columns = name.Contains("ffn_down", StringComparison.Ordinal) ? model.Config.FeedForwardSize : model.Config.HiddenSize;
            var (a, b) = (ours.Find(name, columns, 1)!, theirs.Find(name, columns, 1)!);
            Assert.InRange(a.Zip(b, (x, y) => Math.Abs(x - y)).Sum() / b.Sum(), 0, 0.01);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void Write(string path, float[] sums, float[] counts)
    {
        GgufTensorPlan[] plans =
        [
            new("blk.0.attn_q.weight.in_sum2", [sums.Length / counts.Length, counts.Length], BlockFormats.F32),
            new("blk.0.attn_q.weight.counts", [1, counts.Length], BlockFormats.F32),
        ];
        if (sums.Length % counts.Length != 0)
            plans[0] = plans[0] with { Dimensions = [sums.Length] };
        using var writer = GgufWriter.Create(path, GgufMetadata.Of([GgufValue.Of("general.type", "imatrix")]), plans);
        foreach (var values in (float[][])[sums, counts])
            writer.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        writer.Commit();
    }

    private sealed class LongFactAttribute : FactAttribute
    {
        public LongFactAttribute(params string[] needs) => Skip = Environment.GetEnvironmentVariable("VERNIER_LONG") == "1"
            ? needs.Select(SharedFiles.WhyMissing).FirstOrDefault(why => why is not null)
            : "takes minutes: set VERNIER_LONG=1";
    }
}
