using System.Text.Json;
using Vernier.Files.Safetensors;
using Vernier.Models;

namespace Vernier.Tests.Models;

/// <summary>A folder of goldens/models: the batch without its padding, and what a correct model makes of it.</summary>
internal sealed class GoldenModel : IDisposable
{
    private readonly SafetensorsFile _expected;

    public GoldenModel(string expectedPath)
    {
        _expected = SafetensorsFile.Open(expectedPath);
        var shape = _expected.Get("input_ids").Shape;
        (Rows, Width) = ((int)shape[0], (int)shape[1]);
        var ids = _expected.ReadIntegers<int>("input_ids");
        var mask = _expected.ReadIntegers<int>("attention_mask");
        var labels = _expected.ReadIntegers<int>("labels");
        Lengths = Enumerable.Range(0, Rows).Select(r => Enumerable.Range(0, Width).Count(t => mask[r * Width + t] != 0)).ToArray();
        var starts = new int[Rows + 1];
        var (batchIds, targets) = (new List<int>(), new List<int>());
        for (var r = 0; r < Rows; r++)
        {
            for (var t = 0; t < Lengths[r]; t++)
            {
                batchIds.Add(ids[r * Width + t]);
                targets.Add(t + 1 < Width && labels[r * Width + t + 1] >= 0 ? labels[r * Width + t + 1] : TokenBatch.NoTarget);
            }
            starts[r + 1] = batchIds.Count;
        }
        Batch = new TokenBatch([.. batchIds], starts, [.. targets]);
    }

    public int Rows { get; }

    /// <summary>Tokens of a padded row.</summary>
    public int Width { get; }

    public int[] Lengths { get; }

    public TokenBatch Batch { get; }

    public IEnumerable<string> Names => _expected.Tensors.Select(t => t.Name);

    public float[] Read(string name) => _expected.ReadSingles(name);

    public int[] ReadIds(string name) => _expected.ReadIntegers<int>(name);

    /// <summary>A tensor [rows, width, channels] without the padded positions: [tokens, channels].</summary>
    public float[] Unpadded(string name)
    {
        var all = _expected.ReadSingles(name);
        var channels = all.Length / (Rows * Width);
        return Enumerable.Range(0, Rows).SelectMany(r => all.Skip(r * Width * channels).Take(Lengths[r] * channels)).ToArray();
    }

    /// <summary>Gradients that are 0 but for rounding, by parameter name.</summary>
    public static HashSet<string> ZeroGradients(string folder)
    {
        using var meta = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "meta.json")));
        return meta.RootElement.GetProperty("zero_or_noise_gradients").EnumerateObject().Select(p => p.Name).ToHashSet();
    }

    public void Dispose() => _expected.Dispose();
}
