using Vernier.Calibration;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Tests.Models;
using Vernier.TestSupport;

namespace Vernier.Tests.Quantization;

public class ModelQuantizerTests
{
    private const string Folder = "goldens/models";

    public static TheoryData<string> Models =>
    [
        .. SharedFiles.SubFolders(Folder).Where(f => File.Exists(Path.Combine(f, "expected.safetensors")) && File.Exists(Path.Combine(f, "model.safetensors")))
            .Select(SharedFiles.NameOf),
    ];

    [Theory]
    [MemberData(nameof(Models))]
    public void SequentialGptqIsNearerToTheModelThanRounding(string name)
    {
        using var golden = new GoldenModel(Path.Combine(SharedFiles.At(name), "expected.safetensors"));
        using var compute = new Compute(2);
        using var full = Load(name);
        var expected = Logits(full.Decoder, compute, golden.Batch);
        using var rounded = Load(name);
        var layers = ModelQuantizer.Quantize(rounded.Decoder, compute, new QuantizeOptions { Bits = 3 });
        Assert.Equal(rounded.Decoder.Linears.Select(l => l.Name), layers.Select(l => l.Name));
        Assert.All(layers, l => Assert.InRange(l.RelativeError, 1e-4, 0.2));
        using var corrected = Load(name);
        var reported = 0;
        ModelQuantizer.Quantize(corrected.Decoder, compute, new QuantizeOptions { Scheme = "gptq", Bits = 3, ActivationOrder = true }, [golden.Batch], _ => reported++);
        Assert.Equal(layers.Count, reported);
        Assert.All(corrected.Decoder.Linears, l => Assert.IsType<PackedMatrix>(Assert.IsType<FrozenLinear>(l).Weight));
        Assert.True(Distance(expected, Logits(corrected.Decoder, compute, golden.Batch)) < Distance(expected, Logits(rounded.Decoder, compute, golden.Batch)));
    }

    [Fact]
    public void OverridesChooseBitsByPattern()
    {
        using var compute = new Compute(1);
        using var model = Load(Folder + "/llama-gqa");
        var decoder = model.Decoder;
        ModelQuantizer.Quantize(decoder, compute, new QuantizeOptions { Bits = 3, Group = 16, Overrides = [("down_proj", 8)] });
        Assert.All(decoder.Linears, l => Assert.Equal(l.Name.EndsWith("down_proj") ? 8 : 3, ((PackedMatrix)l.Weight).Bits));
        Assert.Contains("calibration", Assert.Throws<ArgumentException>(() => ModelQuantizer.Quantize(decoder, compute, new QuantizeOptions { Scheme = "gptq" })).Message);
        Assert.Contains("rtn-sym", Assert.Throws<ArgumentException>(() => ModelQuantizer.Quantize(decoder, compute, new QuantizeOptions { Scheme = "rtm" })).Message);
    }

    private static LanguageModel Load(string name) => LanguageModel.Load(SharedFiles.At(name));

    private static float[] Logits(Decoder decoder, Compute compute, TokenBatch batch)
    {
        var logits = new float[batch.Tokens * decoder.Config.VocabularySize];
        decoder.Logits(compute, batch, logits);
        return logits;
    }

    private static double Distance(float[] a, float[] b) => a.Zip(b, (x, y) => ((double)x - y) * ((double)x - y)).Sum();
}
