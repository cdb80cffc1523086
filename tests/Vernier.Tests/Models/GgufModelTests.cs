using System.Text.Json;
using Vernier.Files.Gguf;
using Vernier.Files.Safetensors;
using Vernier.Models;
using Vernier.TestSupport;

namespace Vernier.Tests.Models;

/// <summary>Whole GGUF models: logits of random ones in every block format, token losses of small trained ones.</summary>
public class GgufModelTests
{
    private const string Random = "goldens/formats/gguf_models";
    private const string Real = "goldens/formats/gguf_real";

    public static TheoryData<string> RandomModels() =>
        [.. Files(Random, "*.gguf").Concat(Files("goldens/formats/gguf_families", "*.gguf"))];

    public static TheoryData<string> RealModels() => [.. Files(Real, "*.gguf")];

    [Theory]
    [MemberData(nameof(RandomModels))]
    public void Logits(string name)
    {
        using var compute = new Compute(2);
        using var decoder = Load(SharedFiles.At(name));
        using var expected = SafetensorsFile.Open(Path.ChangeExtension(SharedFiles.At(name), "expected.safetensors"));
        foreach (var length in (string[])["", "short."])
            if (expected.Tensors.Any(t => t.Name == length + "logits"))
            {
                var ids = expected.ReadIntegers<int>(length + "input_ids");
                var logits = new float[ids.Length * decoder.Config.VocabularySize];
                decoder.Logits(compute, new TokenBatch(ids, [0, ids.Length], [.. ids.Select(_ => TokenBatch.NoTarget)]), logits);
                Close.Assert(expected.ReadSingles(length + "logits"), logits, 1e-3, length + "logits");
            }
    }

    [SharedTheory(Real)]
    [MemberData(nameof(RealModels))]
    public void Losses_of_trained_models(string name)
    {
        using var compute = new Compute(2);
        using var decoder = Load(SharedFiles.At(name));
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(SharedFiles.At(name), "../expected.json")));
        var expected = document.RootElement.EnumerateArray().Single(e => e.GetProperty("file").GetString() == Path.GetFileName(name));
        var ids = expected.GetProperty("ids").EnumerateArray().Select(e => e.GetInt32()).ToArray();
        var losses = expected.GetProperty("nll_fp32_dequantized").EnumerateArray().Select(e => e.GetSingle()).ToArray();
        var log = new float[ids.Length];
        decoder.LogProbabilities(compute, new TokenBatch(ids, [0, ids.Length], [.. ids.Skip(1), TokenBatch.NoTarget]), log, new bool[ids.Length]);
        Close.Assert(losses, log[..losses.Length].Select(l => -l).ToArray(), 1e-3, "losses");
    }

    private static Decoder Load(string path)
    {
        using var file = GgufFile.Open(path);
        var config = GgufConfig.Read(file);
        return new Decoder(config, new GgufWeights(file, config));
    }

    private static IEnumerable<string> Files(string folder, string pattern) => SharedFiles.Match(folder, pattern).Select(SharedFiles.NameOf);
}
