using System.Text.Json;
using Vernier.Calibration;
using Vernier.Files.Gguf;
using Vernier.TestSupport;

namespace Vernier.Tests.Calibration;

/// <summary>Which tensor gets which format, beside what llama-quantize did with models of several shapes.</summary>
public class BlockMixtureTests
{
    private const string File = "goldens/formats/gguf_mixtures.json";

    public static TheoryData<string, string, bool> Cases
    {
        get
        {
            var cases = new TheoryData<string, string, bool>();
            foreach (var model in Models())
                foreach (var entry in model.GetProperty("cases").EnumerateArray())
                    cases.Add(model.GetProperty("name").GetString()!, entry.GetProperty("mixture").GetString()!, entry.GetProperty("imatrix").GetBoolean());
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void FormatsAreLlamaCpps(string name, string mixtureName, bool weighted)
    {
        var model = Models().Single(m => m.GetProperty("name").GetString() == name);
        var entry = model.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("mixture").GetString() == mixtureName && c.GetProperty("imatrix").GetBoolean() == weighted);
        var metadata = GgufMetadata.Of(model.GetProperty("keys").EnumerateObject().Where(k => k.Value.ValueKind == JsonValueKind.String || k.Value.TryGetUInt32(out _))
            .Select(k => k.Value.ValueKind == JsonValueKind.String ? GgufValue.Of(k.Name, k.Value.GetString()!) : GgufValue.Of(k.Name, k.Value.GetUInt32())));
        var layers = (int)metadata[metadata["general.architecture"].AsString() + ".block_count"].AsInteger();
        var kinds = model.GetProperty("tensors").EnumerateObject().ToDictionary(t => t.Name, t => t.Value.EnumerateArray().Select(d => d.GetInt64()).ToArray());
        var names = kinds.Keys.SelectMany(kind => kind.Contains('*', StringComparison.Ordinal) ? Enumerable.Range(0, layers).Select(l => (kind, Name: kind.Replace("*", $"{l}", StringComparison.Ordinal))) : [(kind, Name: kind)]).ToList();
        var mixture = BlockMixture.Find(mixtureName)!;
        var shape = new MixtureModel(metadata, [.. names.Select(n => n.Name)], weighted);
        var quantized = names.Where(n => BlockMixture.Quantizes(n.Name, kinds[n.kind])).Select(n => (n.kind, n.Name, Format: mixture.FormatOf(n.Name, kinds[n.kind][0], shape))).ToList();
        var refused = entry.TryGetProperty("refused", out _);
        Assert.Equal(refused, !weighted && quantized.Any(q => mixture.NeedsImportance(q.Name, q.Format)));
        if (refused)
            return;
        Assert.Equal(entry.GetProperty("file_type").GetUInt32(), mixture.FileType);
        var found = quantized.GroupBy(q => q.kind).ToDictionary(g => g.Key, g => g.Select(q => q.Format.Name).Distinct().Count() == 1 ? g.First().Format.Name : string.Join(' ', g.Select(q => q.Format.Name)));
        var expected = entry.GetProperty("types").EnumerateObject().ToDictionary(t => t.Name, t => t.Value.GetString()!);
        Assert.Equal(expected.OrderBy(e => e.Key, StringComparer.Ordinal), found.OrderBy(e => e.Key, StringComparer.Ordinal));
    }

    private static JsonElement.ArrayEnumerator Models() => JsonDocument.Parse(System.IO.File.ReadAllText(SharedFiles.At(File))).RootElement.EnumerateArray();
}
