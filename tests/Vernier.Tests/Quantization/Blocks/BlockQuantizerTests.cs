using System.Text.Json;
using Vernier.Files.Gguf.Blocks;
using Vernier.Quantization.Blocks;
using Vernier.Tests.Goldens;
using Vernier.TestSupport;

namespace Vernier.Tests.Quantization.Blocks;

/// <summary>Errors beside those of ggml's quantizer on the same rows and importances: a row may be 2 % above, the mean not at all.</summary>
public class BlockQuantizerTests
{
    private const string Folder = "goldens/formats/gguf_quantize_imatrix";

    public static TheoryData<string, string, bool> Cases
    {
        get
        {
            var cases = new TheoryData<string, string, bool>();
            foreach (var (path, entry) in Entries())
                foreach (var kind in new[] { "plain", "imatrix" }.Where(kind => entry.TryGetProperty(kind, out _)))
                    if (BlockQuantizer.Find(BlockFormats.Find(entry.GetProperty("type").GetString()!)!) is { } quantizer)
                        cases.Add(path, quantizer.Format.Name, kind == "imatrix");
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ErrorIsNotAboveTheReference(string folder, string type, bool weighted)
    {
        var tensors = new GoldenTensors(Path.Combine(SharedFiles.At(folder), "rows.safetensors"));
        var (rows, x, importance) = (tensors["x"].Shape[0], tensors["x"].Floats, tensors["imatrix"].Floats);
        var reference = Entries().First(e => e.Path == folder && e.Entry.GetProperty("type").GetString() == type).Entry
            .GetProperty(weighted ? "imatrix" : "plain").GetProperty(weighted ? "weighted_mse_rows" : "mse_rows").EnumerateArray().Select(v => v.GetDouble()).ToArray();
        var columns = importance.Length;
        var errors = new double[rows];
        for (var row = 0; row < rows; row++)
            errors[row] = Error(BlockFormats.Find(type)!, x.AsSpan(row * columns, columns), weighted ? importance : []);
        for (var row = 0; row < rows; row++)
            Assert.True(errors[row] <= 1.02 * reference[row], $"row {row}: {errors[row]} beside {reference[row]}");
        Assert.True(errors.Average() <= reference.Average(), $"{errors.Average()} beside {reference.Average()}");
        Assert.True(errors[6..].Average() <= reference[6..].Average(), $"rows like weights: {errors[6..].Average()} beside {reference[6..].Average()}");
    }

    public static TheoryData<string> Formats => [.. BlockFormats.All.Where(f => BlockQuantizer.Find(f) is not null).Select(f => f.Name)];

    /// <summary>What is the same everywhere in a group, or nothing at all, has an exact form up to the rounding of the scales.</summary>
    [Theory]
    [MemberData(nameof(Formats))]
    public void ConstantRowsAreKept(string name)
    {
        foreach (var constant in new[] { 0f, 1, -0.75f, 3e-3f, -1000 })
        {
            var y = Back(BlockFormats.Find(name)!, [.. Enumerable.Repeat(constant, 512)], []);
            Assert.All(y, v => Assert.InRange(v, constant - 2e-3 * Math.Abs(constant), constant + 2e-3 * Math.Abs(constant)));
        }
    }

    /// <summary>Values at the ends of what fp16 scales hold: read back finite, and no farther off than 0 is.</summary>
    [Theory]
    [MemberData(nameof(Formats))]
    public void ExtremeRowsStayFinite(string name)
    {
        var random = new Random(4);
        foreach (var size in new[] { 1e-30f, 1e-9f, 1e-6f, 3e4f })
        {
            float[] x = [.. Enumerable.Range(0, 512).Select(i => size * (2 * random.NextSingle() - 1) * (i % 32 == 3 ? 2 : 1))];
            float[] importance = [.. x.Select((_, i) => i < 256 ? 0 : random.NextSingle())];
            var y = Back(BlockFormats.Find(name)!, x, importance);
            Assert.All(y, v => Assert.True(float.IsFinite(v)));
            Assert.True(x.Zip(y, (a, b) => Math.Pow((double)a - b, 2)).Sum() <= 1.01 * x.Sum(a => (double)a * a));
        }
    }

    private static IEnumerable<(string Path, JsonElement Entry)> Entries() =>
        from folder in SharedFiles.Folders(Folder)
        from entry in JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "index.json"))).RootElement.EnumerateArray()
        select (SharedFiles.NameOf(folder), entry);

    /// <summary>Σ w (y - x)² / Σ w of what a reader gets back.</summary>
    private static double Error(BlockFormat format, ReadOnlySpan<float> x, ReadOnlySpan<float> importance)
    {
        var y = Back(format, x, importance);
        var (error, weight) = (0.0, 0.0);
        for (var i = 0; i < x.Length; i++)
        {
            var w = importance.IsEmpty ? 1.0 : importance[i];
            error += w * ((double)y[i] - x[i]) * ((double)y[i] - x[i]);
            weight += w;
        }
        return error / weight;
    }

    private static float[] Back(BlockFormat format, ReadOnlySpan<float> x, ReadOnlySpan<float> importance)
    {
        var (bytes, y) = (new byte[format.BytesOf(x.Length)], new float[x.Length]);
        BlockQuantizer.Find(format)!.Quantize(x, importance.IsEmpty ? [] : BlockQuantizer.Weights(importance), bytes);
        format.Dequantize(bytes, y);
        return y;
    }
}
