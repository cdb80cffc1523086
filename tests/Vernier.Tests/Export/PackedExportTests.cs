using System.Text.Json.Nodes;
using Vernier.Calibration;
using Vernier.Export;
using Vernier.Files.HuggingFace;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Inspection;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.TestSupport;
using Vernier.Tuning;

namespace Vernier.Tests.Export;

/// <summary>Export to GPTQ, AWQ and MLX: what came from such a folder goes back byte for byte but for tuned scales, and every other model keeps its codes.</summary>
public sealed class PackedExportTests : TemporaryFolderTests
{
    private const string Formats = "goldens/formats";

    private static readonly ModelConfig s_config = TinyConfig.Llama(hidden: 64, heads: 4, keys: 2, feedForward: 128, vocabulary: 96);

    /// <summary>Every whole model of the formats, and its packing.</summary>
    public static TheoryData<string, string> Models
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var format in PackedExport.Formats)
                foreach (var folder in SharedFiles.SubFolders($"{Formats}/{format}"))
                    rows.Add(format, folder);
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void AnUntouchedFolderComesBackByteForByte(string format, string source)
    {
        using var model = Load(source);
        PackedExport.Write(model, Out, format);
        AssertSame(source, Out, exceptScales: false);
        Assert.Equal(Settings(source)!.ToJsonString(), Settings(Out)!.ToJsonString());
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void ZeroPointsOfZeroScalesComeBackToo(string format, string source)
    {
        var damaged = Temporary.At("zeros");
        Directory.CreateDirectory(damaged);
        File.Copy(Path.Combine(source, "config.json"), Path.Combine(damaged, "config.json"));
        using (var folder = HfFolder.Open(source))
        using (var writer = SafetensorsWriter.Create(Path.Combine(damaged, "model.safetensors"), [.. folder.Tensors.Select(t => new SafetensorsPlan(t.Name, t.Type, t.Shape))]))
        {
            foreach (var tensor in folder.Tensors)
            {
                var bytes = Bytes(tensor);
                if (tensor.Name.EndsWith("q_proj.scales", StringComparison.Ordinal))
                    bytes.AsSpan(0, bytes.Length / 2).Clear();
                writer.Write(bytes);
            }
            writer.Commit();
        }
        using var model = Load(damaged);
        PackedExport.Write(model, Out, format);
        AssertSame(damaged, Out, exceptScales: false);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void TuningChangesTheBytesOfScalesAlone(string format, string source)
    {
        foreach (var granularity in Enum.GetValues<Granularity>())
        {
            using var model = Load(source);
            var data = Vernier.Data.TrainingData.FromSequences([.. Enumerable.Range(0, 4).Select(r => Enumerable.Range(0, 16).Select(t => 3 + t * (r + 1) % 20).ToArray())], "rows", model.Config);
            new Tuner(model, new TuneOptions { Steps = 4, Context = 16, Batch = 2, Granularity = granularity }, data, null, Temporary.At($"run-{granularity}")).Run();
            var target = Temporary.At($"out-{granularity}");
            PackedExport.Write(model, target, format);
            AssertSame(source, target, exceptScales: true);
            using var before = Load(source);
            using var after = Load(target);
            var comparison = CodeComparison.Of(before, after);
            Assert.True(comparison.CodesEqual == true);
            Assert.True(comparison.ScalesChanged > 0);
            Assert.Equal(before.CodesSha256(), after.CodesSha256());
        }
    }

    [Theory]
    [InlineData("gptq", 2, 16, "rtn")]
    [InlineData("gptq", 3, 32, "rtn")]
    [InlineData("gptq", 4, 24, "rtn")] // a short last group
    [InlineData("gptq", 4, 0, "rtn-sym")]
    [InlineData("gptq", 4, 128, "rtn-sym")]
    [InlineData("gptq", 6, 32, "rtn")] // in eight bits
    [InlineData("gptq", 8, 64, "mse")]
    [InlineData("awq", 4, 32, "rtn")]
    [InlineData("awq", 4, 0, "rtn-sym")]
    [InlineData("awq", 3, 64, "rtn")]
    [InlineData("mlx", 2, 32, "rtn")]
    [InlineData("mlx", 3, 64, "rtn")]
    [InlineData("mlx", 4, 0, "rtn-sym")] // the scale repeated
    [InlineData("mlx", 5, 32, "rtn")]
    [InlineData("mlx", 6, 64, "rtn")]
    [InlineData("mlx", 7, 64, "rtn")] // in eight bits
    [InlineData("mlx", 8, 32, "rtn")]
    public void AQuantizedModelKeepsCodesAndWeights(string format, int bits, int group, string scheme)
    {
        using var model = Quantized(new QuantizeOptions { Bits = bits, Group = group, Scheme = scheme });
        var result = PackedExport.Write(model, Out, format, ElementType.F32);
        Assert.Equal((format, Out), (result.Format, result.Path));
        using var copy = Load(Out);
        Assert.Equal(format, FileInspector.Inspect(Out).Quantization);
        Assert.Equal(model.CodesSha256(), copy.CodesSha256());
        Assert.Equal(model.CodesSha256(), FileInspector.Inspect(Out).CodesSha256);
        foreach (var (a, b) in model.Decoder.Weights().Zip(copy.Decoder.Weights()))
            AssertWeights(a.Matrix, b.Matrix, a.Vector, b.Vector);
        AssertLogits(model, copy, 1e-4);
        PackedExport.Write(copy, Temporary.At("again"), format);
        AssertSame(Out, Temporary.At("again"), exceptScales: false);
    }

    [Theory]
    [InlineData("gptq")]
    [InlineData("awq")]
    [InlineData("mlx")]
    public void ScalesAreRoundedOnceToTheTypeAskedFor(string format)
    {
        using var model = Quantized(new QuantizeOptions { Bits = 4, Group = 32 });
        foreach (var (type, tolerance) in new (ElementType?, double)[] { (null, 5e-3), (ElementType.F16, 5e-3), (ElementType.BF16, 5e-2) })
        {
            var target = Temporary.At($"{type}");
            PackedExport.Write(model, target, format, type);
            using var folder = HfFolder.Open(target);
            Assert.Equal(type ?? ElementType.F16, folder.Get("model.layers.0.mlp.up_proj.scales").Type);
            Assert.Equal(type ?? ElementType.F16, folder.Get("model.norm.weight").Type);
            using var copy = Load(target);
            Assert.Equal(model.CodesSha256(), copy.CodesSha256());
            AssertLogits(model, copy, tolerance);
        }
    }

    [Theory]
    [InlineData("gptq", "dynamic")]
    [InlineData("mlx", "model.layers.1.mlp.down_proj")]
    public void LayersWithOtherBitsAreStatedOneByOne(string format, string key)
    {
        using var model = Quantized(new QuantizeOptions { Bits = 3, Group = 32, Overrides = [("down_proj", 8), (@"layers\.1\..*o_proj", 4)] });
        PackedExport.Write(model, Out, format, ElementType.F32);
        Assert.NotNull(Settings(Out)![key]);
        using var copy = Load(Out);
        Assert.Equal(model.Decoder.Linears.Select(l => ((PackedMatrix)l.Weight).Bits), copy.Decoder.Linears.Select(l => ((PackedMatrix)l.Weight).Bits));
        Assert.Equal(model.CodesSha256(), copy.CodesSha256());
    }

    [Theory]
    [InlineData("gptq")]
    [InlineData("awq")]
    [InlineData("mlx")]
    public void LayersInFullPrecisionStaySo(string format)
    {
        using var model = Quantized(new QuantizeOptions { Bits = 4, Group = 32 });
        using var plain = Random();
        var whole = plain.Decoder.Linears.ToDictionary(l => l.Name);
        model.Decoder.ReplaceLinears(l => l.Name.EndsWith("v_proj", StringComparison.Ordinal) ? new FrozenLinear(l.Name, whole[l.Name].Weight) : l);
        PackedExport.Write(model, Out, format, ElementType.F32);
        using var copy = Load(Out);
        Assert.All(copy.Decoder.Linears, l => Assert.Equal(!l.Name.EndsWith("v_proj", StringComparison.Ordinal), l.Weight is PackedMatrix));
        Assert.Equal(model.CodesSha256(), copy.CodesSha256());
        AssertLogits(model, copy, 1e-4);
    }

    [Fact]
    public void ZeroPointsOfZeroAreWrittenInTheVersionThatAllReadersUnderstand()
    {
        using var model = Quantized(new QuantizeOptions { Bits = 4, Group = 32 });
        PackedExport.Write(model, Out, "gptq");
        var format = (string?)Settings(Out)!["checkpoint_format"];
        foreach (var linear in model.Decoder.Linears)
            model.Decoder.Tune(linear).Offset.Span[0] = 0;
        PackedExport.Write(model, Temporary.At("second"), "gptq");
        Assert.Equal("gptq_v2", (string?)Settings(Temporary.At("second"))!["checkpoint_format"]);
        using var symmetric = Quantized(new QuantizeOptions { Bits = 4, Group = 32, Scheme = "rtn-sym" });
        PackedExport.Write(symmetric, Temporary.At("third"), "gptq");
        Assert.Equal("gptq", (string?)Settings(Temporary.At("third"))!["checkpoint_format"]);
        Assert.True((bool)Settings(Temporary.At("third"))!["sym"]!);
        Assert.NotNull(format);
        foreach (var folder in (string[])["second", "third"])
        {
            using var copy = Load(Temporary.At(folder));
            Assert.Equal(folder == "second" ? model.CodesSha256() : symmetric.CodesSha256(), copy.CodesSha256());
        }
    }

    [Fact]
    public void TheCheckpointFormatIsWhatReadersTakeOrWhatWasAskedFor()
    {
        using var model = Quantized(new QuantizeOptions { Bits = 4, Group = 32 });
        foreach (var linear in model.Decoder.Linears) // no zero point of 0
        {
            var scales = model.Decoder.Tune(linear);
            for (var i = 0; i < scales.Scale.Span.Length; i++)
                scales.Offset.Span[i] = -scales.Scale.Span[i] * (3 + i % 9);
        }
        PackedExport.Write(model, Out, "gptq");
        Assert.Equal("gptq_v2", (string?)Settings(Out)!["checkpoint_format"]);
        Assert.StartsWith("vernier:", (string?)Settings(Out)!["meta"]!["quantizer"]![0]);
        var first = Temporary.At("first");
        PackedExport.Write(model, first, "gptq", options: new ExportOptions { CheckpointFormat = "gptq" });
        Assert.Equal("gptq", (string?)Settings(first)!["checkpoint_format"]);
        using var copy = Load(first);
        AssertSame(first, Again(copy, null), exceptScales: false); // what a source has stays
        AssertSame(Out, Again(copy, "gptq_v2"), exceptScales: false);

        var linearWithZero = model.Decoder.Linears[5];
        model.Decoder.Tune(linearWithZero).Offset.Span[1] = 0;
        var refused = Temporary.At("refused");
        var message = Assert.Throws<NotSupportedException>(() => PackedExport.Write(model, refused, "gptq", options: new ExportOptions { CheckpointFormat = "gptq" })).Message;
        Assert.Contains(linearWithZero.Name, message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(refused));

        string Again(LanguageModel from, string? format)
        {
            var target = Temporary.At($"again-{format}");
            PackedExport.Write(from, target, "gptq", options: new ExportOptions { CheckpointFormat = format });
            return target;
        }
    }

    [Theory]
    [InlineData("gptq")]
    [InlineData("awq")]
    [InlineData("hf")]
    public void ATiedHeadIsWrittenOutWhereItIsAskedFor(string format)
    {
        using var model = LanguageModel.CreateRandom(s_config with { TiedHead = true }, 5, null, new LoadOptions { Threads = 1 });
        ModelQuantizer.Quantize(model.Decoder, model.Compute, new QuantizeOptions { Bits = 4, Group = 32 });
        var options = new ExportOptions { Untie = true };
        _ = format == "hf" ? HuggingFaceExport.Write(model, Out, ElementType.F32, options: options) : PackedExport.Write(model, Out, format, ElementType.F32, options: options);
        using (var folder = HfFolder.Open(Out))
            Assert.Equal(Bytes(folder.Get("model.embed_tokens.weight")), Bytes(folder.Get("lm_head.weight")));
        using var copy = Load(Out);
        Assert.False(copy.Config.TiedHead);
        AssertLogits(model, copy, 1e-4);
    }

    [Theory]
    [InlineData("gptq", "mlx")]
    [InlineData("awq", "mlx")]
    public void LearnedZeroPointsAreRefusedWithWhatHoldsThem(string format, string other)
    {
        using var model = Quantized(new QuantizeOptions { Bits = 4, Group = 32 });
        model.Decoder.Tune(model.Decoder.Linears[3]).Offset.Span[5] *= 1.01f;
        var refusal = Assert.Throws<NotSupportedException>(() => PackedExport.Write(model, Out, format)).Message;
        Assert.Contains(model.Decoder.Linears[3].Name, refusal, StringComparison.Ordinal);
        Assert.Contains(other, refusal, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Out));
        PackedExport.Write(model, Out, other, ElementType.F32);
        using var copy = Load(Out);
        AssertLogits(model, copy, 1e-4);
    }

    [Theory]
    [InlineData("awq", 8, 32, "4 bits")]
    [InlineData("awq", 4, 24, "whole groups")]
    [InlineData("mlx", 4, 16, "32, 64 or 128")]
    [InlineData("gptq", 0, 0, "quantize it first")]
    public void WhatAFormatCannotHoldIsRefusedBeforeAnythingIsWritten(string format, int bits, int group, string says)
    {
        using var model = bits == 0 ? Random() : Quantized(new QuantizeOptions { Bits = bits, Group = group });
        Assert.Contains(says, Assert.Throws<NotSupportedException>(() => PackedExport.Write(model, Out, format)).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Out));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void OtherFormatsHoldTheSameCodesOrSayWhyNot(string format, string source)
    {
        using var model = Load(source);
        var reordered = model.Decoder.Linears.Any(l => !((PackedMatrix)l.Weight).GroupIndex.IsEmpty);
        foreach (var other in PackedExport.Formats.Append("gguf").Where(f => f != format))
        {
            var target = Temporary.At(other);
            void Write() => _ = other == "gguf" ? GgufExport.Write(model, target) : PackedExport.Write(model, target, other, ElementType.F32);
            if (reordered && other != "gptq")
            {
                Assert.Contains("act-order", Assert.Throws<NotSupportedException>(Write).Message, StringComparison.Ordinal);
                continue;
            }
            Write();
            using var copy = Load(target);
            Assert.Equal(model.CodesSha256(), copy.CodesSha256());
            AssertLogits(model, copy, other == "gguf" ? 5e-2 : 1e-4); // a block's minimum is fp16
        }
    }

    [Theory]
    [InlineData("gptq", "quantize_config.json")]
    [InlineData("awq", "quant_config.json")]
    public void SettingsBesideTheConfigGoIntoIt(string format, string file)
    {
        var source = Temporary.At("old");
        using (var model = Quantized(new QuantizeOptions { Bits = 4, Group = 32 }))
            PackedExport.Write(model, source, format);
        var settings = Settings(source)!.AsObject();
        settings.Remove("quant_method");
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "config.json")))!.AsObject();
        config.Remove("quantization_config");
        File.WriteAllText(Path.Combine(source, "config.json"), config.ToJsonString());
        File.WriteAllText(Path.Combine(source, file), settings.ToJsonString());
        using var old = Load(source);
        PackedExport.Write(old, Out, format);
        AssertSame(source, Out, exceptScales: false);
        Assert.Equal(format, (string?)Settings(Out)!["quant_method"]);
    }

    [Fact]
    public void AModelThatIsNoLongerSymmetricIsNotCalledSo()
    {
        var source = Temporary.At("symmetric");
        using (var model = Quantized(new QuantizeOptions { Bits = 4, Group = 32, Scheme = "rtn-sym" }))
            PackedExport.Write(model, source, "gptq");
        Assert.True((bool)Settings(source)!["sym"]!);
        using var copy = Load(source);
        ModelQuantizer.Quantize(copy.Decoder, copy.Compute, new QuantizeOptions { Bits = 4, Group = 32 });
        PackedExport.Write(copy, Out, "gptq");
        Assert.False((bool)Settings(Out)!["sym"]!);
    }

    [Fact]
    public void TheModelsOwnFolderIsNotOverwritten()
    {
        using (var model = Quantized(new QuantizeOptions { Bits = 4, Group = 32 }))
            PackedExport.Write(model, Out, "gptq");
        using var copy = Load(Out);
        Assert.Throws<ArgumentException>(() => PackedExport.Write(copy, Out, "gptq"));
    }

    private string Out => Temporary.At("out");

    private static LanguageModel Random() => LanguageModel.CreateRandom(s_config, 5, null, new LoadOptions { Threads = 1 });

    private static LanguageModel Quantized(QuantizeOptions options)
    {
        var model = Random();
        ModelQuantizer.Quantize(model.Decoder, model.Compute, options);
        return model;
    }

    private static LanguageModel Load(string path) => LanguageModel.Load(path, new LoadOptions { Threads = 1 });

    private static JsonNode? Settings(string folder)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
        return (config["quantization"] ?? config["quantization_config"])?.ToJsonString() is { } text ? JsonNode.Parse(text) : null;
    }

    private static void AssertWeights(WeightMatrix? expected, WeightMatrix? actual, Parameter? expectedVector, Parameter? actualVector)
    {
        Assert.Equal(expected is PackedMatrix, actual is PackedMatrix);
        Assert.Equal(expected?.ToArray() ?? expectedVector!.Value.Span.ToArray(), actual?.ToArray() ?? actualVector!.Value.Span.ToArray());
    }

    private static void AssertLogits(LanguageModel expected, LanguageModel actual, double tolerance)
    {
        var ids = Enumerable.Range(1, 20).ToArray();
        var (a, b) = (new float[ids.Length * expected.Config.VocabularySize], new float[ids.Length * expected.Config.VocabularySize]);
        expected.Decoder.Logits(expected.Compute, new TokenBatch(ids, [0, ids.Length], [.. ids.Select(_ => TokenBatch.NoTarget)]), a);
        actual.Decoder.Logits(actual.Compute, new TokenBatch(ids, [0, ids.Length], [.. ids.Select(_ => TokenBatch.NoTarget)]), b);
        for (var i = 0; i < a.Length; i++)
            Assert.Equal(a[i], b[i], tolerance);
    }

    private static void AssertSame(string expectedPath, string actualPath, bool exceptScales)
    {
        using var expected = HfFolder.Open(expectedPath);
        using var actual = HfFolder.Open(actualPath);
        Assert.Equal(expected.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), actual.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        foreach (var tensor in expected.Tensors)
        {
            var other = actual.Get(tensor.Name);
            Assert.Equal((tensor.Type, string.Join(",", tensor.Shape)), (other.Type, string.Join(",", other.Shape)));
            if (!exceptScales || !tensor.Name.EndsWith(".scales", StringComparison.Ordinal))
                Assert.True(Bytes(tensor).AsSpan().SequenceEqual(Bytes(other)), tensor.Name);
        }
    }

    private static byte[] Bytes(HfTensor tensor)
    {
        var bytes = new byte[tensor.ByteLength];
        tensor.ReadElements(0, bytes);
        return bytes;
    }
}
