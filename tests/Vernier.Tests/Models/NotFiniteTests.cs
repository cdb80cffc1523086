using Vernier.Calibration;
using Vernier.Evaluation;
using Vernier.Export;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Generation;
using Vernier.Inspection;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.TestSupport;

namespace Vernier.Tests.Models;

/// <summary>NaN and infinity in a file are found when it is loaded, in every format, with tensor and place; what overflows later is never a figure.</summary>
public sealed class NotFiniteTests : TemporaryFolderTests
{
    private const string Name = "blk.0.ffn_up.weight";

    private static readonly ModelConfig s_config = TinyConfig.Llama(hidden: 256, heads: 4, keys: 2, feedForward: 256, vocabulary: 48, layers: 1) with { TiedHead = true };

    public static TheoryData<string> BlockNames => [.. BlockFormats.All.Where(f => f.CanDequantize).Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(BlockNames))]
    public void InEveryGgufFormat(string name)
    {
        var format = BlockFormats.Find(name)!;
        var good = new byte[format.BytesOf(256L * 256)];
        using (var model = LanguageModel.Load(Gguf(format, good))) // zeros are numbers
            Assert.Equal(1, model.Config.Layers);
        foreach (var bad in BadNumbers(format))
        {
            var bytes = good.ToArray();
            bad.Bytes.CopyTo(bytes, format.BytesOf(256) * 7 + bad.At);
            var path = Gguf(format, bytes);
            var message = Assert.Throws<InvalidDataException>(() => LanguageModel.Load(path)).Message;
            Assert.Contains($"tensor '{Name}': row 7", message, StringComparison.Ordinal);
            Assert.StartsWith(path, message, StringComparison.Ordinal);
            Assert.NotEmpty(FileInspector.Inspect(path).Tensors);
        }
    }

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.BF16)]
    public void InEveryTypeOfAFolder(ElementType type)
    {
        foreach (var value in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            foreach (var tensor in (string[])["model.embed_tokens.weight", "model.layers.0.mlp.down_proj.weight", "model.norm.weight"])
            {
                var folder = Temporary.At($"{type}-{value}-{tensor}");
                using (var model = Random())
                    HuggingFaceExport.Write(model, folder, type);
                var bytes = new byte[type.Size()];
                type.FromSingle([value], bytes);
                Patch(folder, tensor, 3 * type.Size(), bytes);
                var message = Assert.Throws<InvalidDataException>(() => LanguageModel.Load(folder)).Message;
                Assert.Contains($"tensor '{tensor}'", message, StringComparison.Ordinal);
                Assert.NotEmpty(FileInspector.Inspect(folder).Tensors);
            }
    }

    [Theory]
    [InlineData("gptq", ".scales", "NaN")]
    [InlineData("gptq", ".scales", "Infinity")]
    [InlineData("awq", ".scales", "NaN")]
    [InlineData("mlx", ".scales", "NaN")]
    [InlineData("mlx", ".biases", "-Infinity")]
    [InlineData("native", ".scale", "NaN")]
    [InlineData("native", ".offset", "NaN")]
    [InlineData("native", ".scale", "3E+38")] // finite, but no weight of it is
    public void InEveryPacking(string format, string part, string number)
    {
        using (var model = Random())
        {
            ModelQuantizer.Quantize(model.Decoder, model.Compute, new QuantizeOptions { Bits = 4, Group = 32 });
            if (format == "native")
                NativeExport.Write(model, Temporary.Path);
            else
                PackedExport.Write(model, Temporary.Path, format, ElementType.F32);
        }
        Patch(Temporary.Path, "model.layers.0.self_attn.k_proj" + part, 8, BitConverter.GetBytes(float.Parse(number, System.Globalization.CultureInfo.InvariantCulture)));
        var message = Assert.Throws<InvalidDataException>(() => LanguageModel.Load(Temporary.Path)).Message;
        Assert.Contains("model.layers.0.self_attn.k_proj.scale", message, StringComparison.Ordinal);
        Assert.Contains("row", message, StringComparison.Ordinal);
    }

    [Fact]
    public void WeightsThatOverflowGiveNoFigures()
    {
        using var model = LanguageModel.CreateRandom(s_config with { TiedHead = false }, 3, null, new LoadOptions { Threads = 1 });
        ((DenseMatrix)model.Decoder.Head).Values.Span.Fill(3e38f);
        using var scorer = new DecoderScorer(model.Decoder, model.Compute);
        Assert.Throws<NotFiniteNumberException>(() => scorer.Score([new ScoringRequest([1, 2, 3, 4], 1)]).ToList());
        using var generator = new TokenGenerator(model);
        Assert.Throws<NotFiniteNumberException>(() => generator.Generate([1, 2]).ToList());
        Assert.Throws<NotFiniteNumberException>(() => model.Decoder.SumNegativeLogLikelihood(model.Compute, new TokenBatch([1, 2], [0, 2], [2, 3])));
    }

    [Fact]
    public void WhatTheFileTypesCannotHoldIsRefusedByNameBeforeAnythingIsWritten()
    {
        using var model = Random();
        ((DenseMatrix)model.Decoder.Linears[4].Weight).Values.Span[77] = 70000;
        var target = Temporary.At("out");
        Action[] exports =
        [
            () => HuggingFaceExport.Write(model, target, ElementType.F16),
            () => GgufExport.Write(model, target, BlockFormats.F16),
        ];
        foreach (var export in exports)
        {
            var message = Assert.Throws<NotSupportedException>(export).Message;
            Assert.True(message.Contains(model.Decoder.Linears[4].Name, StringComparison.Ordinal) || message.Contains("blk.0.ffn_gate", StringComparison.Ordinal), message);
            Assert.False(Path.Exists(target));
        }
        HuggingFaceExport.Write(model, target, ElementType.BF16);
    }

    [Theory]
    [InlineData("gptq")]
    [InlineData("awq")]
    [InlineData("mlx")]
    [InlineData("gguf")]
    public void ScalesTooLargeForFp16AreRefusedByName(string format)
    {
        using var model = Random();
        ModelQuantizer.Quantize(model.Decoder, model.Compute, new QuantizeOptions { Bits = 4, Group = 32, Scheme = "rtn-sym" });
        var scales = model.Decoder.Tune(model.Decoder.Linears[2]);
        (scales.Scale.Span[9], scales.Offset.Span[9]) = (66000, -8 * 66000);
        var target = Temporary.At("out");
        var message = Assert.Throws<NotSupportedException>(() => _ = format == "gguf" ? GgufExport.Write(model, target) : PackedExport.Write(model, target, format)).Message;
        Assert.True(message.Contains(model.Decoder.Linears[2].Name, StringComparison.Ordinal) || message.Contains("blk.0.attn_v", StringComparison.Ordinal), message);
        Assert.False(Path.Exists(target));
    }

    /// <summary>Bytes that are no number, and where in a row they stand.</summary>
    private static IEnumerable<(int At, byte[] Bytes)> BadNumbers(BlockFormat format)
    {
        byte[][] halves = [BitConverter.GetBytes((ushort)0x7E00), BitConverter.GetBytes((ushort)0x7C00), BitConverter.GetBytes((ushort)0xFC00)];
        return format switch
        {
            { Name: "F32" } => [(40, BitConverter.GetBytes(float.NaN)), (40, BitConverter.GetBytes(float.NegativeInfinity))],
            { Name: "BF16" } => [(40, BitConverter.GetBytes((ushort)0x7FC0)), (40, BitConverter.GetBytes((ushort)0xFF80))],
            { Name: "F16" } => halves.Select(h => (40, h)),
            { Name: "MXFP4" } => [(0, [0xFF])],
            _ => format.Codes!.HalfScales.SelectMany(at => halves.Select(h => (at, h))).Where(b => Counts(format, b)),
        };
    }

    /// <summary>A scale that is multiplied by an inner scale of 0 is no weight's unless it is NaN or infinite, and then all of them are not: but a format may shift its inner scales.</summary>
    private static bool Counts(BlockFormat format, (int At, byte[] Bytes) bad)
    {
        var (block, values) = (new byte[format.BlockBytes], new float[format.BlockSize]);
        bad.Bytes.CopyTo(block, bad.At);
        format.Dequantize(block, values);
        return values.Any(v => !float.IsFinite(v));
    }

    private static LanguageModel Random() => LanguageModel.CreateRandom(s_config, 3, null, new LoadOptions { Threads = 1 });

    /// <summary>A file whose one matrix holds these bytes.</summary>
    private string Gguf(BlockFormat format, byte[] bytes)
    {
        var (plain, path) = (Temporary.At("plain.gguf"), Temporary.At($"{format.Name}.gguf"));
        if (!File.Exists(plain))
            using (var model = Random())
                GgufExport.Write(model, plain);
        using var source = GgufFile.Open(plain);
        using var writer = GgufWriter.Create(path, source.Metadata, [.. source.Tensors.Select(t => t.Name == Name ? new GgufTensorPlan(t.Name, t.Dimensions, format) : t.Plan)]);
        foreach (var tensor in source.Tensors)
            writer.Write(tensor.Name == Name ? bytes : source.Bytes(tensor));
        writer.Commit();
        return path;
    }

    private static void Patch(string folder, string tensor, int at, byte[] bytes)
    {
        var path = Path.Combine(folder, "model.safetensors");
        long place;
        using (var file = SafetensorsFile.Open(path))
        {
            var data = new FileInfo(path).Length - file.Tensors.Sum(t => t.ByteLength);
            place = data + file.Get(tensor).Offset + at;
        }
        using var stream = File.OpenWrite(path);
        stream.Position = place;
        stream.Write(bytes);
    }
}
