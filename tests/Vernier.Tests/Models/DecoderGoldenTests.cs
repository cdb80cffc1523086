using System.Text.Json;
using Vernier.Files.HuggingFace;
using Vernier.Models;
using Vernier.TestSupport;

namespace Vernier.Tests.Models;

/// <summary>Every model of goldens/models and goldens/families: logits, hidden states, loss, all gradients, generation with a cache. Tolerances as its README states.</summary>
public class DecoderGoldenTests
{
    private static readonly string[] s_folders = ["goldens/models", "goldens/families"];

    public static TheoryData<string> Models() => Names(f => File.Exists(ExpectedPath(f)));

    public static TheoryData<string> CompleteModels() => Names(f => File.Exists(Path.Combine(f, "meta.json")) && File.Exists(Path.Combine(f, "expected.safetensors")));

    [Theory]
    [MemberData(nameof(Models))]
    public void Logits_hidden_states_and_loss(string name)
    {
        using var test = new Loaded(name);
        var (decoder, golden, compute) = (test.Decoder, test.Golden, test.Compute);
        var logits = new float[golden.Batch.Tokens * decoder.Config.VocabularySize];
        decoder.Logits(compute, golden.Batch, logits);
        Close.Assert(golden.Unpadded("logits"), logits, test.Tolerance, "logits");
        for (var layer = 0; layer <= decoder.Config.Layers && golden.Names.Contains($"hidden.{layer}"); layer++)
        {
            var expected = golden.Unpadded($"hidden.{layer}");
            var hidden = new float[expected.Length];
            decoder.HiddenStates(compute, golden.Batch, layer, hidden);
            Close.Assert(expected, hidden, 3e-4, $"hidden.{layer}");
        }
        var loss = decoder.SumNegativeLogLikelihood(compute, golden.Batch) / golden.Batch.ScoredTokens;
        Assert.Equal(golden.Read("loss")[0], loss, 1e-5);
        var (log, greedy) = (new float[golden.Batch.Tokens], new bool[golden.Batch.Tokens]);
        decoder.LogProbabilities(compute, golden.Batch, log, greedy);
        Assert.Equal(loss, -log.Sum(v => (double)v) / golden.Batch.ScoredTokens, 1e-5);
    }

    /// <summary>Families whose rotary angles depend on the length of a text.</summary>
    public static TheoryData<string> OtherLengths() =>
        [.. s_folders.SelectMany(SharedFiles.SubFolders).SelectMany(f => Directory.EnumerateFiles(f, "expected_*.safetensors").Order(StringComparer.Ordinal).Select(SharedFiles.NameOf))];

    [SharedTheory("goldens/families/llama-dynamic")]
    [MemberData(nameof(OtherLengths))]
    public void Logits_of_another_length(string name)
    {
        using var test = new Loaded(name[..name.LastIndexOf('/')]);
        using var golden = new GoldenModel(SharedFiles.At(name));
        var logits = new float[golden.Batch.Tokens * test.Decoder.Config.VocabularySize];
        test.Decoder.Logits(test.Compute, golden.Batch, logits);
        Close.Assert(golden.Unpadded("logits"), logits, test.Tolerance, "logits");
    }

    [Theory]
    [MemberData(nameof(CompleteModels))]
    public void Every_gradient(string name)
    {
        using var test = new Loaded(name);
        var (decoder, golden) = (test.Decoder, test.Golden);
        decoder.ReplaceLinears(l => new DenseTrainableLinear(l.Name, l.Weight, l.Bias));
        decoder.TrainAll(true);
        var zero = GoldenModel.ZeroGradients(test.Path);
        foreach (var kept in new[] { 0, decoder.Config.Layers })
        {
            decoder.KeptBlocks = kept;
            foreach (var parameter in decoder.Parameters)
                parameter.Gradient.Span.Clear();
            var loss = decoder.Accumulate(test.Compute, golden.Batch, 1f / golden.Batch.ScoredTokens);
            Assert.Equal(golden.Read("loss")[0], loss / golden.Batch.ScoredTokens, 1e-5);
            var expected = golden.Names.Where(n => n.StartsWith("grad.", StringComparison.Ordinal)).Select(n => n["grad.".Length..]).ToHashSet();
            var gradients = StoredGradients(decoder);
            Assert.Equal(expected.Order(), gradients.Keys.Order());
            foreach (var (stored, gradient) in gradients)
                if (zero.Contains(stored))
                    Close.Assert(new float[gradient.Length], gradient, 1e-6, stored);
                else
                    Close.AssertRelative(golden.Read("grad." + stored), gradient, 1e-4, stored);
        }
    }

    [Theory]
    [MemberData(nameof(CompleteModels))]
    public void Greedy_generation_with_a_cache(string name)
    {
        using var test = new Loaded(name);
        var (decoder, golden) = (test.Decoder, test.Golden);
        var expected = golden.ReadIds("gen.output_ids");
        var expectedLogits = golden.Read("gen.logits");
        var vocabulary = decoder.Config.VocabularySize;
        using var cache = new KvCache(decoder.Config, decoder.Config.ContextLength);
        var next = golden.ReadIds("gen.prompt_ids");
        for (var step = 0; step < expected.Length; step++)
        {
            var logits = new float[vocabulary];
            decoder.Forward(test.Compute, next, cache, logits);
            Close.Assert(expectedLogits.AsSpan(step * vocabulary, vocabulary), logits, test.Tolerance, $"logits of step {step}");
            next = [Kernels.Softmax.ArgMax(logits)];
            Assert.Equal(expected[step], next[0]);
        }
    }

    [Theory]
    [MemberData(nameof(CompleteModels))]
    public void Keys_of_transformers_5_mean_the_same(string name)
    {
        var folder = SharedFiles.At(name);
        Assert.Equivalent(HuggingFaceConfig.Read(Path.Combine(folder, "config.json")), HuggingFaceConfig.Read(Path.Combine(folder, "config.v5.json")), strict: true);
    }

    /// <summary>By the names of the file: what several linears of the decoder have is put together where the file has one tensor.</summary>
    private static Dictionary<string, float[]> StoredGradients(Decoder decoder)
    {
        var places = StoredTensors.OfFolder(decoder.Config);
        var all = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (var parameter in decoder.Parameters)
        {
            var (part, gradient) = (places.Find(parameter.Name)!, parameter.Gradient.Span.ToArray());
            if (part.IsTransposed)
            {
                AddTransposed(all, part, gradient, gradient.Length / parameter.Shape[0]);
                continue;
            }
            if (!part.IsFused)
            {
                all.Add(part.Stored, gradient);
                continue;
            }
            var columns = gradient.Length / part.Rows;
            all.TryAdd(part.Stored, new float[part.StoredRows * columns]);
            for (var row = 0; row < part.Rows; row++)
                gradient.AsSpan(row * columns, columns).CopyTo(all[part.Stored].AsSpan(part.Order.FileRow(row) * columns));
        }
        return all;
    }

    private static void AddTransposed(Dictionary<string, float[]> all, StoredPart part, float[] gradient, int columns)
    {
        var rows = gradient.Length / columns;
        var storedRows = part.IsFused ? part.StoredRows : rows;
        all.TryAdd(part.Stored, new float[storedRows * columns]);
        for (var row = 0; row < rows; row++)
            for (var column = 0; column < columns; column++)
                all[part.Stored][column * storedRows + part.Order.FileRow(row)] = gradient[row * columns + column];
    }

    /// <summary>A storage variant may hold the weights of another folder and share its expected values.</summary>
    private static string ExpectedPath(string folder)
    {
        var own = Path.Combine(folder, "expected.safetensors");
        if (File.Exists(own))
            return own;
        var meta = Path.Combine(folder, "meta.json");
        using var variants = JsonDocument.Parse(File.ReadAllBytes(File.Exists(meta) ? meta : Path.Combine(folder, "..", "storage_variants.json")));
        var entry = File.Exists(meta) ? variants.RootElement : variants.RootElement.GetProperty(Path.GetFileName(folder));
        return Path.Combine(folder, entry.GetProperty("expected").GetString()!.Split(' ')[0]); // a note may follow
    }

    private static TheoryData<string> Names(Func<string, bool> where) =>
        [.. s_folders.SelectMany(SharedFiles.SubFolders).Where(where).Select(SharedFiles.NameOf)];

    private sealed class Loaded : IDisposable
    {
        public Loaded(string name)
        {
            Path = SharedFiles.At(name);
            using var folder = HfFolder.Open(Path);
            var config = HuggingFaceConfig.Read(folder.ConfigPath, folder.Config.RootElement);
            Decoder = new Decoder(config, new HuggingFaceWeights(folder, config));
            Golden = new GoldenModel(ExpectedPath(Path));
        }

        public string Path { get; }

        public Decoder Decoder { get; }

        public GoldenModel Golden { get; }

        public Compute Compute { get; } = new(2);

        /// <summary>Of logits: families have larger ones.</summary>
        public double Tolerance => Path.Contains("families", StringComparison.Ordinal) ? 3e-4 : 2e-4;

        public void Dispose()
        {
            Decoder.Dispose();
            Golden.Dispose();
            Compute.Dispose();
        }
    }
}
