using System.Text.Json;
using Vernier.Files.HuggingFace;
using Vernier.Files.Packings;
using Vernier.Files.Safetensors;
using Vernier.TestSupport;

namespace Vernier.Files.Tests.Quantized;

/// <summary>The cases that the index.json of a folder of goldens lists, each some tensors of a safetensors file.</summary>
public static class LayerCases
{
    public static string Folder(string packing) => "goldens/formats/" + packing;

    /// <summary>File and case name, as rows of a theory.</summary>
    public static TheoryData<string, string> Rows(string packing)
    {
        var rows = new TheoryData<string, string>();
        var seen = new HashSet<string>(StringComparer.Ordinal); // a case is told by its settings
        foreach (var place in SharedFiles.Folders(Folder(packing)))
            foreach (var entry in List(place).Where(entry => seen.Add(JsonSerializer.Serialize(entry))))
                rows.Add(SharedFiles.NameOf(Path.Combine(place, entry.GetProperty("file").GetString()!)), entry.GetProperty("name").GetString()!);
        return rows;
    }

    /// <summary>Opens the file of a case as a model folder and hands it to a check, with the settings of the case.</summary>
    internal static void Check(string file, string name, Action<HfFolder, JsonElement> check)
    {
        using var temporary = new TemporaryFolder();
        using var folder = Open(file, temporary);
        check(folder, Settings(file, name));
    }

    public static JsonElement Settings(string file, string name) => List(Path.GetDirectoryName(SharedFiles.At(file))!)
        .First(e => e.GetProperty("file").GetString() == Path.GetFileName(file) && e.GetProperty("name").GetString() == name);

    /// <summary>A file of cases as the only weights of a model folder.</summary>
    internal static HfFolder Open(string file, TemporaryFolder temporary)
    {
        File.WriteAllText(temporary["config.json"], "{}");
        File.CreateSymbolicLink(temporary["model.safetensors"], SharedFiles.At(file));
        return HfFolder.Open(temporary.Path);
    }

    /// <summary>The weights of a layer are the golden ones.</summary>
    internal static void AssertWeights(HfFolder folder, string name, QuantizedLayer layer)
    {
        var expected = folder.Get(name + ".expected.deq", layer.OutFeatures, layer.InFeatures).ToSingles();
        var row = new float[layer.InFeatures];
        for (var o = 0; o < layer.OutFeatures; o++)
        {
            layer.DequantizeRow(o, row);
            Assert.Equal(expected[(o * row.Length)..((o + 1) * row.Length)], row);
        }
    }

    /// <summary>Packed tensors have the bytes of the golden ones.</summary>
    internal static void AssertPacked(HfFolder folder, IReadOnlyList<SafetensorsPlan> plans, IReadOnlyList<byte[]> packed)
    {
        Assert.Equal(plans.Count, packed.Count);
        foreach (var (plan, bytes) in plans.Zip(packed))
        {
            var tensor = folder.Get(plan.Name, plan.Shape.ToArray());
            Assert.Equal(plan.Type, tensor.Type);
            var expected = new byte[tensor.ByteLength];
            tensor.ReadElements(0, expected);
            Assert.Equal(expected, bytes);
        }
    }

    private static List<JsonElement> List(string place) => JsonSerializer.Deserialize<List<JsonElement>>(File.ReadAllText(Path.Combine(place, "index.json")))!;
}
