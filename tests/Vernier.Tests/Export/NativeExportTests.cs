using System.Text.Json.Nodes;
using Vernier.Calibration;
using Vernier.Export;
using Vernier.Inspection;
using Vernier.Kernels;
using Vernier.Tests.Goldens;
using Vernier.TestSupport;

namespace Vernier.Tests.Export;

/// <summary>Vernier's own folder: whatever is packed comes back to the bit.</summary>
public sealed class NativeExportTests : TemporaryFolderTests
{
    private const string Plain = "goldens/models/llama-gqa";
    private const string Gptq = "goldens/formats/gptq";

    public static TheoryData<string> QuantizedFolders => [.. SharedFiles.SubFolders(Gptq).Select(SharedFiles.NameOf)];

    [Theory]
    [MemberData(nameof(GgufModels.Names), MemberType = typeof(GgufModels))]
    public void WeightsComeBackToTheBit(string name)
    {
        using var model = LanguageModel.Load(SharedFiles.At(name), new LoadOptions { Threads = 1 });
        try
        {
            NativeExport.Write(model, Temporary.Path);
        }
        catch (NotSupportedException e)
        {
            Assert.Contains("rope_freqs", e.Message, StringComparison.Ordinal); // frequencies that config.json cannot state
            return;
        }
        AssertSame(model);
    }

    [Theory]
    [MemberData(nameof(QuantizedFolders))]
    public void PackedFoldersComeBackToTheBit(string name)
    {
        using var model = LanguageModel.Load(SharedFiles.At(name), new LoadOptions { Threads = 1 });
        NativeExport.Write(model, Temporary.Path);
        AssertSame(model);
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(3, 16)]
    [InlineData(5, 24)]
    [InlineData(6, 7)]
    [InlineData(7, 0)]
    [InlineData(8, 32)]
    public void EveryWidthAndGroup(int bits, int group)
    {
        using var model = Quantized(new QuantizeOptions { Bits = bits, Group = group, Overrides = [("o_proj", 4)] });
        NativeExport.Write(model, Temporary.Path);
        AssertSame(model);
        using var copy = LanguageModel.Load(Temporary.Path, new LoadOptions { Threads = 1 });
        Assert.All(copy.Decoder.Linears, l => Assert.Equal(l.Name.EndsWith("o_proj") ? 4 : bits, ((PackedMatrix)l.Weight).Bits));
    }

    [Theory]
    [InlineData("bits", 9)]
    [InlineData("bits", 5)]
    [InlineData("group_size", 0)]
    [InlineData("group_size", 8)]
    [InlineData("shape", 3)]
    public void ADamagedConfigNamesTheModule(string key, int value)
    {
        using (var model = Quantized(new QuantizeOptions { Bits = 3, Group = 16 }))
            NativeExport.Write(model, Temporary.Path);
        var path = Temporary.At("config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        var (module, entry) = config["quantization_config"]!["modules"]!.AsObject().First();
        entry![key] = value;
        File.WriteAllText(path, config.ToJsonString());
        var error = Assert.Throws<InvalidDataException>(() => LanguageModel.Load(Temporary.Path));
        Assert.Contains(module, error.Message, StringComparison.Ordinal);
        Assert.Contains("expected", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatGgufCannotHoldIsRefusedBeforeTheWork()
    {
        using var model = LanguageModel.Load(SharedFiles.At(Plain), new LoadOptions { Threads = 1 });
        foreach (var options in (QuantizeOptions[])[new() { Bits = 7, Group = 32 }, new() { Bits = 8, Group = 32 }, new() { Bits = 4, Group = 24 }])
            Assert.Contains("GGUF cannot hold", Assert.Throws<NotSupportedException>(() => GgufExport.RequireHolds(model, options)).Message, StringComparison.Ordinal);
    }

    private static LanguageModel Quantized(QuantizeOptions options)
    {
        var model = LanguageModel.Load(SharedFiles.At(Plain), new LoadOptions { Threads = 1 });
        ModelQuantizer.Quantize(model.Decoder, model.Compute, options);
        return model;
    }

    private void AssertSame(LanguageModel model)
    {
        using var copy = LanguageModel.Load(Temporary.Path, new LoadOptions { Threads = 1 });
        Assert.Equal(model.CodesSha256(), copy.CodesSha256());
        Assert.Equal(model.CodesSha256(), FileInspector.Inspect(Temporary.Path).CodesSha256);
        foreach (var (a, b) in model.Decoder.Weights().Zip(copy.Decoder.Weights()))
        {
            Assert.Equal(a.Name, b.Name);
            Assert.Equal(a.Matrix?.GetType() == typeof(PackedMatrix), b.Matrix?.GetType() == typeof(PackedMatrix));
            Assert.Equal(a.Matrix is null ? a.Vector!.Value.Span.ToArray() : a.Matrix.ToArray(), b.Matrix is null ? b.Vector!.Value.Span.ToArray() : b.Matrix.ToArray());
        }
    }
}
