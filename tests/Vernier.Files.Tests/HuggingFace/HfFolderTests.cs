using System.Text.Json.Nodes;
using Vernier.Files.HuggingFace;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.TestSupport;

namespace Vernier.Files.Tests.HuggingFace;

public class HfFolderTests
{
    private const string Models = "goldens/models";

    public static TheoryData<string> Folders => [.. SharedFiles.SubFolders(Models).Select(SharedFiles.NameOf)];

    public static TheoryData<string, string> Variants
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var list in SharedFiles.Match(Models, "storage_variants.json"))
                foreach (var (name, variant) in JsonNode.Parse(File.ReadAllText(list))!.AsObject())
                    if (variant?["same_weights_as"] is { } plain)
                        rows.Add(SharedFiles.NameOf(Path.Combine(list, "..", name)), SharedFiles.NameOf(Path.Combine(list, "..", (string)plain!)));
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Every_tensor_of_a_folder_is_read(string name)
    {
        using var folder = HfFolder.Open(SharedFiles.At(name));
        Assert.Equal(System.Text.Json.JsonValueKind.String, folder.Config.RootElement.GetProperty("model_type").ValueKind);
        Assert.NotEmpty(folder.Tensors);
        Assert.All(folder.Tensors, t => Assert.Equal(t.Elements, t.ToSingles().LongLength));
    }

    /// <summary>Shards and pickles, with shared and transposed storages, hold the very numbers of the plain folder.</summary>
    [SharedTheory(Models + "/storage_variants.json")]
    [MemberData(nameof(Variants))]
    public void Storage_variants_hold_the_same_weights(string name, string plainName)
    {
        using var folder = HfFolder.Open(SharedFiles.At(name));
        using var plain = HfFolder.Open(SharedFiles.At(plainName));
        foreach (var tensor in plain.Tensors)
        {
            var found = folder.Get(tensor.Name, tensor.Shape.ToArray());
            Assert.Equal(tensor.ToSingles(), found.ToSingles());
            var part = new float[tensor.Elements / 2];
            found.ReadSingles(tensor.Elements - part.Length, part);
            Assert.Equal(tensor.ToSingles()[^part.Length..], part);
        }
    }

    [Fact]
    public void A_missing_tensor_and_a_wrong_shape_name_the_file()
    {
        using var folder = HfFolder.Open(SharedFiles.At(Models + "/llama-gqa"));
        Assert.Contains("model.safetensors", Assert.Throws<InvalidDataException>(() => folder.Get("no.such")).Message);
        var error = Assert.Throws<InvalidDataException>(() => folder.Get(folder.Tensors[0].Name, 1, 2, 3)).Message;
        Assert.Contains("model.safetensors", error);
        Assert.Contains("[1, 2, 3]", error);
    }

    [Fact]
    public void Weights_that_were_written_to_since_are_refused_and_a_closed_folder_is_closed()
    {
        using var copy = new TemporaryFolder();
        foreach (var file in (string[])["config.json", "model.safetensors"])
            File.Copy(Path.Combine(SharedFiles.At(Models + "/llama-gqa"), file), copy[file]);
        var folder = HfFolder.Open(copy.Path);
        folder.RequireUnchanged();
        File.SetLastWriteTimeUtc(copy["model.safetensors"], DateTime.UtcNow.AddHours(1));
        Assert.StartsWith(copy["model.safetensors"], Assert.Throws<InvalidDataException>(folder.RequireUnchanged).Message);
        var tensor = folder.Tensors[0];
        folder.Dispose();
        Assert.Throws<ObjectDisposedException>(() => folder.Config.RootElement.ValueKind);
        Assert.Throws<ObjectDisposedException>(() => tensor.ToSingles());
    }

    [Theory]
    [InlineData("../escape.safetensors")]
    [InlineData("/etc/hostname")]
    [InlineData("absent.safetensors")]
    [InlineData("..")]
    public void An_index_may_only_name_files_beside_it(string shard)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], "{}");
        File.WriteAllText(folder["model.safetensors.index.json"], new JsonObject { ["weight_map"] = new JsonObject { ["t"] = shard } }.ToJsonString());
        Assert.Contains("weight_map 't'", Assert.Throws<InvalidDataException>(() => HfFolder.Open(folder.Path)).Message);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[")]
    [InlineData("{\"weight_map\": {\"\\ud800\": \"\\ud800\"}}")]
    [InlineData("{\"weight_map\": {\"t\": 4}}")]
    [InlineData("{\"weight_map\": {\"t\": null}}")]
    public void A_damaged_index_is_refused(string text)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], "{}");
        File.WriteAllText(folder["model.safetensors.index.json"], text);
        Assert.Contains("index.json", Assert.Throws<InvalidDataException>(() => HfFolder.Open(folder.Path)).Message);
    }

    [Fact]
    public void An_index_names_the_shard_of_every_tensor()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], "{}");
        foreach (var name in (string[])["a", "b"])
        {
            using var writer = SafetensorsWriter.Create(folder[$"{name}.safetensors"], [new(name, ElementType.F32, [1])]);
            writer.Write([name[0]], ElementType.F32);
            writer.Commit();
        }
        File.WriteAllText(folder["model.safetensors.index.json"], """{"weight_map":{"a":"a.safetensors","b":"b.safetensors"}}""");
        using (var opened = HfFolder.Open(folder.Path))
            Assert.Equal([('a', "a.safetensors"), ('b', "b.safetensors")], opened.Tensors.Select(t => ((char)t.ToSingles()[0], Path.GetFileName(t.FilePath))));
        File.WriteAllText(folder["model.safetensors.index.json"], """{"weight_map":{"a":"b.safetensors"}}""");
        Assert.Contains("'a'", Assert.Throws<InvalidDataException>(() => HfFolder.Open(folder.Path).Dispose()).Message);
    }

    [Fact]
    public void A_folder_without_config_or_weights_is_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("config.json", Assert.Throws<InvalidDataException>(() => HfFolder.Open(folder.Path)).Message);
        File.WriteAllText(folder["config.json"], "{}");
        Assert.Contains("no weights", Assert.Throws<InvalidDataException>(() => HfFolder.Open(folder.Path)).Message);
    }
}
