using Vernier.Files.Hub;

namespace Vernier.Files.Tests.Hub;

/// <summary>Names of repositories and files, the choice of a model's files, and the settings of the environment.</summary>
public class HubNameTests
{
    [Theory]
    [InlineData("hf:owner/name", "owner/name", "main", null)]
    [InlineData("owner/name@v1.0", "owner/name", "v1.0", null)]
    [InlineData("hf:o-w/n.a_m@refs/pr/3/sub/x.gguf", "o-w/n.a_m", "refs/pr/3", "sub/x.gguf")]
    [InlineData("hf:owner/name/x.gguf", "owner/name", "main", "x.gguf")]
    public void A_reference_is_read(string text, string repository, string revision, string? file) =>
        Assert.Equal(new HubReference(repository, revision, file), HubReference.Parse(text));

    [Theory]
    [InlineData("hf:")]
    [InlineData("hf:name")]
    [InlineData("hf:../name")]
    [InlineData("hf:owner/..")]
    [InlineData("hf:owner/na--me")]
    [InlineData("hf:owner/name@")]
    [InlineData("hf:owner/name@..")]
    [InlineData("hf:owner/name/../x")]
    [InlineData("hf:owner/name\n")]
    public void What_is_none_is_refused(string text) => Assert.Throws<InvalidDataException>(() => HubReference.Parse(text));

    [Fact]
    public void The_files_of_a_model_are_chosen()
    {
        string[] folder = ["README.md", "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json", "onnx/model.onnx", "pytorch_model.bin", "tf_model.h5", "tokenizer.json"];
        Assert.Equal(["README.md", "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json", "tokenizer.json"], Choose("o/n", folder));
        Assert.Equal(["config.json", "pytorch_model.bin"], Choose("o/n", "config.json", "pytorch_model.bin"));
        Assert.Equal(["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"], Choose("o/n", "README.md", "a-00002-of-00002.gguf", "a-00001-of-00002.gguf"));
        Assert.Equal(["q/a-00002-of-00002.gguf", "q/a-00001-of-00002.gguf"], Choose("o/n/q/a-00002-of-00002.gguf", "q/a-00001-of-00002.gguf", "q/a-00002-of-00002.gguf", "a-00001-of-00002.gguf"));
        Assert.Contains("holds 2 models, say which: hf:o/n/a.gguf, b.gguf", Assert.Throws<InvalidDataException>(() => Choose("o/n", "b.gguf", "a.gguf")).Message);
        Assert.Contains("neither", Assert.Throws<InvalidDataException>(() => Choose("o/n", "README.md")).Message);
        Assert.Contains("no such file", Assert.Throws<InvalidDataException>(() => Choose("o/n/c.gguf", "b.gguf")).Message);
    }

    [Fact]
    public void Settings_are_those_of_the_hubs_own_library()
    {
        var folder = Directory.CreateTempSubdirectory("vernier-test-").FullName;
        try
        {
            var plain = From([]);
            Assert.Equal(("https://huggingface.co/", false), (plain.Endpoint.ToString(), plain.Offline));
            Assert.EndsWith(Path.Combine(".cache", "huggingface", "hub"), plain.Cache);
            File.WriteAllText(Path.Combine(folder, "token"), "hf_file\n");
            var home = From(new() { ["HF_HOME"] = folder, ["HF_HUB_OFFLINE"] = "yes", ["HF_ENDPOINT"] = "http://mirror:81/hub/" });
            Assert.Equal((Path.Combine(folder, "hub"), "hf_file", true, "http://mirror:81/hub"), (home.Cache, home.Token, home.Offline, home.Endpoint.ToString()));
            var named = From(new() { ["HF_HOME"] = folder, ["HF_TOKEN"] = " hf_named ", ["HF_HUB_CACHE"] = Path.Combine(folder, "c") });
            Assert.Equal((Path.Combine(folder, "c"), "hf_named"), (named.Cache, named.Token));
            Assert.DoesNotContain("hf_named", named.ToString());
            Assert.Equal(Path.Combine(folder, "huggingface", "hub"), From(new() { ["XDG_CACHE_HOME"] = folder }).Cache);
            Assert.Throws<InvalidDataException>(() => From(new() { ["HF_ENDPOINT"] = "huggingface.co" }));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static HubSettings From(Dictionary<string, string> variables) => HubSettings.From(variables.GetValueOrDefault);

    private static IReadOnlyList<string> Choose(string reference, params string[] files) => HubModelFiles.Choose(HubReference.Parse(reference), files);
}
