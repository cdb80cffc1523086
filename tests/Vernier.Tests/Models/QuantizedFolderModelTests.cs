using Vernier.Files.HuggingFace;
using Vernier.Files.Safetensors;
using Vernier.Inspection;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.TestSupport;
using Vernier.Tuning;

namespace Vernier.Tests.Models;

/// <summary>Whole GPTQ and AWQ checkpoints, those with reordered groups among them: the file's codes, and the logits of the dequantized weights.</summary>
public sealed class QuantizedFolderModelTests : IDisposable
{
    private const string Formats = "goldens/formats";
    private readonly string _folder = Directory.CreateTempSubdirectory("vernier-quantized-").FullName;

    /// <summary>Every folder below the formats that holds a whole model.</summary>
    public static TheoryData<string> Models => SharedFiles.WhyMissing(Formats) is not null ? [] :
        [.. Directory.EnumerateFiles(SharedFiles.At(Formats), "expected.safetensors", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(SharedFiles.At(Formats), Path.GetDirectoryName(f)!)).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SharedTheory(Formats)]
    [MemberData(nameof(Models))]
    public void LogitsAreThoseOfTheReference(string name)
    {
        using var model = Load(name);
        Assert.All(model.Decoder.Linears, l => Assert.IsType<PackedMatrix>(l.Weight));
        using var expected = SafetensorsFile.Open(Path.Combine(At(name), "expected.safetensors"));
        var ids = expected.ReadIntegers<int>("input_ids");
        var logits = new float[ids.Length * model.Config.VocabularySize];
        model.Decoder.Logits(model.Compute, new TokenBatch(ids, [0, ids.Length], [.. ids.Select(_ => TokenBatch.NoTarget)]), logits);
        Close.Assert(expected.ReadSingles("logits"), logits, 1e-4, "logits");
        Assert.NotNull(model.CodesSha256());
        Assert.Equal(model.CodesSha256(), FileInspector.Inspect(At(name)).CodesSha256);
    }

    [SharedTheory(Formats)]
    [MemberData(nameof(Models))]
    public void EveryGranularityTunesScalesAlone(string name)
    {
        foreach (var granularity in Enum.GetValues<Granularity>())
            foreach (var train in (TrainedState[])[TrainedState.Scales, TrainedState.Zeros])
            {
                using var model = Load(name);
                var hash = model.CodesSha256();
                var data = Vernier.Data.TrainingData.FromSequences([.. Enumerable.Range(0, 4).Select(r => Enumerable.Range(0, 16).Select(t => 3 + t * (r + 1) % 20).ToArray())], "rows", model.Config);
                var options = new TuneOptions { Steps = 4, Context = 16, Batch = 2, Granularity = granularity, Train = train, Shuffle = false };
                var result = new Tuner(model, options, data, null, Path.Combine(_folder, $"{granularity}-{train}")).Run();
                Assert.True(result.CodesEqual);
                Assert.Equal(hash, model.CodesSha256());
                using var before = Load(name);
                var comparison = CodeComparison.Of(before, model);
                Assert.True(comparison.CodesEqual);
                Assert.True(comparison.ScalesChanged > 0);
            }
    }

    [SharedTheory(Formats)]
    [MemberData(nameof(Models))]
    public void DamageNamesTheTensor(string name)
    {
        using (var source = HfFolder.Open(At(name)))
            foreach (var tensor in source.Tensors.Where(t => t.Name.StartsWith("model.layers.1.mlp.down_proj.", StringComparison.Ordinal)))
            {
                Rewrite(name, (t, bytes) => t.Name == tensor.Name ? null : bytes); // missing
                if (tensor.Name.EndsWith(".g_idx", StringComparison.Ordinal))
                    continue; // without it, groups are in order
                Assert.Contains(tensor.Name, Assert.Throws<InvalidDataException>(() => LanguageModel.Load(_folder).Dispose()).Message, StringComparison.Ordinal);
            }
        Rewrite(name, (t, bytes) => t.Name == "model.layers.0.mlp.up_proj.scales" ? [0, 0x7C, .. bytes[2..]] : bytes); // fp16 infinity
        var refusal = Assert.Throws<InvalidDataException>(() => LanguageModel.Load(_folder).Dispose()).Message;
        Assert.Contains("model.layers.0.mlp.up_proj.scales", refusal, StringComparison.Ordinal);
        Assert.Contains("not finite", refusal, StringComparison.Ordinal);
    }

    private void Rewrite(string name, Func<HfTensor, byte[], byte[]?> change)
    {
        using var source = HfFolder.Open(At(name));
        File.Copy(Path.Combine(At(name), "config.json"), Path.Combine(_folder, "config.json"), overwrite: true);
        var kept = new List<(SafetensorsPlan Plan, byte[] Bytes)>();
        foreach (var tensor in source.Tensors)
        {
            var bytes = new byte[tensor.ByteLength];
            tensor.ReadElements(0, bytes);
            if (change(tensor, bytes) is { } changed)
                kept.Add((new SafetensorsPlan(tensor.Name, tensor.Type, tensor.Shape), changed));
        }
        using var writer = SafetensorsWriter.Create(Path.Combine(_folder, "model.safetensors"), [.. kept.Select(k => k.Plan)]);
        foreach (var (_, bytes) in kept)
            writer.Write(bytes);
        writer.Commit();
    }

    private static string At(string name) => SharedFiles.At(Path.Combine(Formats, name));

    private static LanguageModel Load(string name) => LanguageModel.Load(At(name), new LoadOptions { Threads = 1 });
}
