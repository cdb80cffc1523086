using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.TestSupport;

namespace Vernier.Tests.Models;

/// <summary>Formats with two levels of scales in memory: as large as in the file, and the same weights to the bit.</summary>
public sealed class SuperBlockTests : IDisposable
{
    private const string Mixed = "goldens/formats/gguf_models/kquant_mixed_bpe.gguf";
    private const int Rows = 24, Columns = 1024;
    private readonly string _path = Path.GetTempFileName();

    public static TheoryData<string> Formats => ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS", "IQ4_NL"];

    public void Dispose() => File.Delete(_path);

    [Theory]
    [MemberData(nameof(Formats))]
    public void AreNoLargerThanTheirFile(string name)
    {
        using var weight = Load(name, out var file);
        var ofFile = (double)file.Tensors[0].ByteLength;
        file.Dispose();
        Assert.InRange(weight.Bytes / ofFile, 1, 1.05);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void HoldTheScalesThatTheFormatSplits(string name)
    {
        using var weight = Load(name, out var file);
        var format = file.Tensors[0].Format;
        var groups = weight.Groups;
        var (codes, expected) = (new byte[Columns], new float[Columns]);
        var (scale, offset) = (new float[groups], new float[groups]);
        var (foundScale, foundOffset, found) = (new float[groups], new float[groups], new float[Columns]);
        for (var row = 0; row < Rows; row++)
        {
            format.Split(file.Row(file.Tensors[0], row), codes, scale, offset);
            weight.Scales.ReadRow(row, foundScale, foundOffset);
            Assert.Equal(Bits(scale), Bits(foundScale));
            Assert.Equal(Bits(offset), Bits(foundOffset));
            for (var i = 0; i < Columns; i++)
                expected[i] = MathF.FusedMultiplyAdd(scale[i / weight.GroupSize], format.Codes!.Table is { } table ? table[codes[i]] : codes[i], offset[i / weight.GroupSize]);
            weight.ReadTile(row, 1, 0, Columns, found, Columns);
            Assert.Equal(Bits(expected), Bits(found));
        }
        file.Dispose();
    }

    /// <summary>Q2_K to Q6_K and IQ4 side by side: every weight is held at the file's own size, and products in integers are those of rounded activations.</summary>
    [SharedFact(Mixed)]
    public void AModelOfThemIsNoLargerThanItsFileAndRunsInIntegers()
    {
        using var file = GgufFile.Open(SharedFiles.At(Mixed));
        var config = GgufConfig.Read(file);
        using var decoder = new Decoder(config, new GgufWeights(file, config));
        var ofFile = file.Tensors.Where(t => t.Format.Codes is not null).Sum(t => t.ByteLength);
        var packed = decoder.Weights().Select(w => w.Matrix).OfType<PackedMatrix>().Distinct().ToList();
        Assert.All(packed, w => Assert.True(Int8Gemm.Supports(w)));
        Assert.InRange(packed.Sum(w => w.Bytes) / (double)ofFile, 0.95, 1.05);
        using var compute = new Compute(2, ComputeMode.Int8);
        var found = Logits();
        decoder.ReplaceLinears(l => new RoundedLinear(l));
        Close.AssertRelative(Logits(), found, 0.02, "logits"); // as where a value rounds the other way

        float[] Logits()
        {
            using var cache = new KvCache(config, 20);
            var logits = new float[config.VocabularySize];
            var ids = TinyModel.Ids(config, 20, 3);
            foreach (var (first, count) in new[] { (0, 12), (12, 1), (13, 3), (16, 4) }) // bodies of many tokens, of one and of few
                decoder.Forward(compute, ids.AsSpan(first, count), cache, logits);
            return logits;
        }
    }

    private PackedMatrix Load(string name, out GgufFile file)
    {
        var format = BlockFormats.Find(name)!;
        var plan = new GgufTensorPlan("blk.0.ffn_down.weight", [Columns, Rows], format);
        var (bytes, random) = (new byte[plan.ByteLength], new Random(5));
        random.NextBytes(bytes);
        for (var block = 0; block < bytes.Length; block += format.BlockBytes)
            foreach (var at in format.Codes!.HalfScales)
                BitConverter.TryWriteBytes(bytes.AsSpan(block + at), (Half)(random.Next(5) switch { 0 => 0, 1 => -0.01f, _ => 0.02f * random.NextSingle() }));
        using (var writer = GgufWriter.Create(_path, GgufMetadata.Of([GgufValue.Of("general.architecture", "llama")]), [plan]))
        {
            writer.Write(bytes);
            writer.Commit();
        }
        file = GgufFile.Open(_path);
        return (PackedMatrix)new GgufWeights(file, TinyModel.Config()).Matrix("model.layers.0.mlp.down_proj.weight", Rows, Columns);
    }

    private static int[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToInt32Bits)];
}
