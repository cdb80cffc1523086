using Vernier.Export;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tests.Export;

/// <summary>Whatever a config.json says: a model gives the same scores after every change of format and back, or is refused with the key's name.</summary>
public sealed class RoundTripTests : TemporaryFolderTests
{
    private const int Configurations = 450;
    private readonly Dictionary<string, int> _outcomes = new(StringComparer.Ordinal);

    [Fact]
    public void Scores_stay_the_same_or_the_key_is_named()
    {
        for (var seed = 0; seed < Configurations; seed++)
        {
            var config = new RandomConfig(seed);
            var source = At($"{seed}-hf");
            if (!Tried(seed, config, "read", () => WriteFolder(config, source, seed)))
                continue;
            using var model = Load(source);
            var expected = Logits(model);
            Assert.Contains(expected, v => Math.Abs(v) > 0.1f);
            HuggingFaceExport.Write(model, At($"{seed}-copy"), ElementType.F32);
            using (var copy = Load(At($"{seed}-copy")))
                AssertSame(seed, model, expected, copy, "hf");
            if (Tried(seed, config, "gguf", () => GgufExport.Write(model, At($"{seed}.gguf"), BlockFormats.F32)))
                AndBack(seed, config, model, expected);
            Directory.Delete(source, recursive: true);
        }
        // each way is gone often, and often refused: neither half of the claim is empty
        Assert.True(_outcomes["gguf"] > 80 && _outcomes["back"] > 80 && _outcomes["gguf refused"] > 80 && _outcomes["read refused"] > 20, string.Join(", ", _outcomes));
    }

    private void AndBack(int seed, RandomConfig config, LanguageModel model, float[] expected)
    {
        using var gguf = Load(At($"{seed}.gguf"));
        AssertSame(seed, model, expected, gguf, "gguf");
        if (!Tried(seed, config, "back", () => HuggingFaceExport.Write(gguf, At($"{seed}-back"), ElementType.F32)))
            return;
        using var back = Load(At($"{seed}-back"));
        AssertSame(seed, model, expected, back, "back");
        GgufExport.Write(back, At($"{seed}-again.gguf"), BlockFormats.F32);
        using var again = Load(At($"{seed}-again.gguf"));
        AssertSame(seed, model, expected, again, "again");
    }

    private bool Tried(int seed, RandomConfig config, string what, Action action)
    {
        try
        {
            action();
            Count(what);
            return true;
        }
        catch (NotSupportedException e)
        {
            var named = config.Json.Select(p => p.Key).Where(k => e.Message.Contains(k, StringComparison.Ordinal)).ToList();
            Assert.True(named.Count > 0 || (what == "gguf" && e.Message.Contains($"architecture '{config.Family}'", StringComparison.Ordinal)), $"{seed}: {what}: names no key: {e.Message}\n{config.Json}");
            Count(what + " refused");
            return false;
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException($"{seed}: {what}: {e.Message}\n{config.Json}", e);
        }
    }

    private void Count(string what) => _outcomes[what] = _outcomes.GetValueOrDefault(what) + 1;

    private static void AssertSame(int seed, LanguageModel model, float[] expected, LanguageModel other, string what)
    {
        var found = Logits(other);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - found[i]) <= 2e-5f * (1 + Math.Abs(expected[i])), $"{seed}: {what}: logit {i} is {found[i]}, expected {expected[i]}: {File.ReadAllText(Path.Combine(model.Source.Path, "config.json"))}");
        Assert.True(model.EndIds.Order().SequenceEqual(other.EndIds.Order()), $"{seed}: {what}: ends {string.Join(',', other.EndIds)}, expected {string.Join(',', model.EndIds)}");
        Assert.True(model.Config.BosTokenId == other.Config.BosTokenId, $"{seed}: {what}: BOS {other.Config.BosTokenId}");
        Assert.True(model.Config.ContextLength == other.Config.ContextLength, $"{seed}: {what}: context {other.Config.ContextLength}");
    }

    private static void WriteFolder(RandomConfig config, string folder, int seed)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, "config.json");
        File.WriteAllText(path, config.Json.ToJsonString());
        if (config.Generation is { } generation)
            File.WriteAllText(Path.Combine(folder, "generation_config.json"), generation.ToJsonString());
        using var decoder = new Decoder(HuggingFaceConfig.Read(path), new LivelyWeights(seed));
        var weights = decoder.Weights().ToList();
        using var writer = SafetensorsWriter.Create(Path.Combine(folder, "model.safetensors"),
            [.. weights.Select(w => new SafetensorsPlan(w.Name, ElementType.F32, w.Matrix is { } m ? [m.Rows, m.Columns] : [w.Vector!.Value.Length]))]);
        foreach (var (_, matrix, vector) in weights)
            if (matrix is DenseMatrix dense)
                writer.Write(dense.Values.Span, ElementType.F32);
            else
                writer.Write(vector!.Value.Span, ElementType.F32);
        writer.Commit();
    }

    private static LanguageModel Load(string path) => LanguageModel.Load(path, new LoadOptions { Threads = 1 });

    private static float[] Logits(LanguageModel model)
    {
        var ids = Enumerable.Range(0, 24).Select(i => (i * 7 + 3) % RandomConfig.Vocabulary).ToArray();
        var logits = new float[ids.Length * RandomConfig.Vocabulary];
        model.Decoder.Logits(model.Compute, new TokenBatch(ids, [0, ids.Length], [.. ids.Select(_ => TokenBatch.NoTarget)]), logits);
        return logits;
    }

    private string At(string name) => Temporary.At(name);

    /// <summary>Large enough that attention is not flat, and no bias is zero.</summary>
    private sealed class LivelyWeights(int seed) : IWeightSource
    {
        private readonly Random _random = new(seed);

        public WeightMatrix Matrix(string name, int rows, int columns)
        {
            var matrix = new DenseMatrix(rows, columns);
            foreach (ref var value in matrix.Values.Span)
                value = (float)(_random.NextDouble() - 0.5) * 1.5f;
            return matrix;
        }

        public void Vector(string name, Span<float> destination)
        {
            var middle = name.EndsWith(".weight", StringComparison.Ordinal) ? 1 : 0;
            foreach (ref var value in destination)
                value = middle + (float)(_random.NextDouble() - 0.5);
        }
    }
}
