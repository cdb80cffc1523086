using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.TestSupport;

namespace Vernier.Tests.Models;

public sealed class LanguageModelTests : IDisposable
{
    private const string Folder = "goldens/models/llama-gqa";
    private const string Gguf = "goldens/formats/gguf_models";
    private readonly string _copy = Directory.CreateTempSubdirectory("vernier-model-").FullName;

    [Fact]
    public void A_gguf_model_tells_what_it_is()
    {
        foreach (var path in SharedFiles.Match(Gguf, "*.gguf"))
        {
            using var model = LanguageModel.Load(path);
            using var file = GgufFile.Open(path);
            Assert.Equal(SourceKind.Gguf, model.Source.Kind);
            Assert.Equal(file.Tensors.Select(t => t.Name), model.Source.Tensors.Select(t => t.FileName));
            Assert.Equal(file.Tensors.Where(t => t.Name != "rope_freqs.weight").Sum(t => t.Elements), model.ParameterCount);
            Assert.All(model.Source.Tensors, t => Assert.True(t.Name == "rope_freqs.weight" || t.Name == GgufNames.Of(model.Config.Architecture).ToHuggingFace(t.FileName)));
            Assert.All(model.Source.Tensors, t => Assert.True(t.FileName == "rope_freqs.weight" || t.FileName == GgufNames.Of(model.Config.Architecture).ToGguf(t.Name)));
            Assert.InRange(model.BitsPerWeight, 2, 32);
            Assert.NotNull(model.Tokenizer);
        }
    }

    [Fact]
    public void The_fingerprint_sees_codes_and_not_scales()
    {
        var fingerprints = new HashSet<string?>();
        foreach (var path in SharedFiles.Match(Gguf, "*.gguf"))
        {
            using var model = LanguageModel.Load(path);
            var before = model.CodesSha256();
            fingerprints.Add(before);
            if (model.Decoder.Linears.FirstOrDefault(l => l.Weight is PackedMatrix) is not { } linear)
                continue;
            model.Decoder.Tune(linear).Scale.Span.Fill(2);
            var matrix = (PackedMatrix)linear.Weight;
            Assert.Equal(before, model.CodesSha256());
            var codes = new byte[matrix.Columns];
            matrix.ReadCodes(0, 0, codes);
            codes[^1] ^= 1;
            matrix.SetRowCodes(0, codes);
            Assert.NotEqual(before, model.CodesSha256());
        }
        Assert.True(fingerprints.Count > 1);
    }

    [Fact]
    public void Row_order_of_rotary_pairs_is_a_permutation_inside_each_head()
    {
        var order = new RotaryRowOrder(6);
        Assert.Equal([0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11], Enumerable.Range(0, 12).Select(order.FileRow));
        Assert.Equal(5, new RotaryRowOrder(0).FileRow(5));
    }

    [Theory]
    [InlineData("model_type", "\"mamba\"", typeof(NotSupportedException), "mamba")]
    [InlineData("hidden_size", null, typeof(InvalidDataException), "hidden_size")]
    [InlineData("hidden_size", "-4", typeof(InvalidDataException), "hidden_size")]
    [InlineData("hidden_size", "\"wide\"", typeof(InvalidDataException), "hidden_size")]
    [InlineData("num_key_value_heads", "3", typeof(InvalidDataException), "KV heads")]
    [InlineData("intermediate_size", "113", typeof(InvalidDataException), "expected [113,")]
    [InlineData("num_hidden_layers", "99", typeof(InvalidDataException), "model.layers.")]
    [InlineData("hidden_act", "\"tanh\"", typeof(NotSupportedException), "tanh")]
    [InlineData("rope_scaling", "{\"rope_type\":\"longrope\",\"factor\":2}", typeof(InvalidDataException), "short_factor")]
    [InlineData("rope_scaling", "{\"rope_type\":\"stretched\",\"factor\":2}", typeof(NotSupportedException), "stretched")]
    [InlineData("rope_scaling", "{\"rope_type\":\"llama3\"}", typeof(InvalidDataException), "factor")]
    [InlineData("quantization_config", "{\"quant_method\":\"unheard-of\"}", typeof(NotSupportedException), "unheard-of")]
    public void A_configuration_that_cannot_be_is_refused(string key, string? value, Type exception, string says)
    {
        foreach (var file in Directory.EnumerateFiles(SharedFiles.At(Folder)))
            File.Copy(file, Path.Combine(_copy, Path.GetFileName(file)));
        var path = Path.Combine(_copy, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        config.Remove(key);
        if (value is not null)
            config[key] = JsonNode.Parse(value);
        File.WriteAllText(path, config.ToJsonString());
        var error = Assert.Throws(exception, () => LanguageModel.Load(_copy).Dispose());
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Contains(_copy, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_there_is_said() =>
        Assert.Throws<FileNotFoundException>(() => LanguageModel.Load(Path.Combine(_copy, "none.gguf")));

    [Fact]
    public void A_random_start_is_the_same_for_a_seed()
    {
        var tiny = TinyModel.Config();
        using var a = LanguageModel.CreateRandom(tiny, 1);
        using var b = LanguageModel.CreateRandom(tiny, 1);
        using var c = LanguageModel.CreateRandom(tiny, 2);
        Assert.Equal(a.Decoder.Embedding.ToArray(), b.Decoder.Embedding.ToArray());
        Assert.NotEqual(a.Decoder.Embedding.ToArray(), c.Decoder.Embedding.ToArray());
        Assert.Equal(0.02, Math.Sqrt(a.Decoder.Embedding.ToArray().Average(v => (double)v * v)), 1e-3);
        Assert.Equal(a.CodesSha256(), b.CodesSha256());
    }

    public void Dispose() => Directory.Delete(_copy, true);
}
