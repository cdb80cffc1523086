using System.Text.Json;
using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>pull, push and models of the hub in place of paths, against a server of this test's own.</summary>
public sealed class HubTests : TemporaryFolder, IDisposable
{
    private readonly HubServer _server = new();

    public HubTests()
    {
        _server.Files["README.md"] = "a card"u8.ToArray();
        _server.Files["tiny.gguf"] = File.ReadAllBytes(TinyModelFile.Write(At("tiny.gguf")));
        // inherited by the program; no other test reads them
        Environment.SetEnvironmentVariable("HF_ENDPOINT", _server.Endpoint.ToString());
        Environment.SetEnvironmentVariable("HF_HOME", At("home"));
        Environment.SetEnvironmentVariable("HF_TOKEN", "hf_verysecret");
    }

    private string Snapshot => Path.Combine(At("home"), "hub", "models--some-one--a.model", "snapshots", HubServer.Commit);

    void IDisposable.Dispose()
    {
        _server.Dispose();
        foreach (var name in (string[])["HF_ENDPOINT", "HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE"])
            Environment.SetEnvironmentVariable(name, null);
        Dispose();
    }

    [Fact]
    public void PullSaysWhereTheFilesAre()
    {
        var run = CommandLine.Vernier("pull", HubServer.Repository, "--include", "*.gguf");
        Assert.Equal((0, Path.Combine(Snapshot, "tiny.gguf")), (run.ExitCode, run.Output.Trim()));
        Assert.DoesNotContain("verysecret", run.Error, StringComparison.Ordinal);
        var json = CommandLine.Vernier("pull", HubServer.Repository, "--json", "-").Json();
        Assert.Equal((HubServer.Commit, Snapshot, 2), (json.GetProperty("commit").GetString(), json.GetProperty("folder").GetString(), json.GetProperty("files").GetArrayLength()));
        Assert.Contains("names no repository", CommandLine.Vernier("pull", "nothing").Refusal(2), StringComparison.Ordinal);
    }

    [Fact]
    public void AModelOfTheHubStandsWhereAPathCould()
    {
        const string model = "hf:" + HubServer.Repository;
        Assert.Equal("gguf", CommandLine.Vernier("inspect", model, "--json", "-").Json().GetProperty("kind").GetString());
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");
        Assert.Equal(0, CommandLine.Vernier("verify", model + "/tiny.gguf", At("tiny.gguf")).ExitCode);
        Assert.Equal(0, CommandLine.Vernier("tune", model, "--data", Write("d.jsonl", """{"text": "the quick brown fox"}"""), "--steps", "1", "--out", At("run")).ExitCode);
        Assert.Equal(0, CommandLine.Vernier("generate", model, "--adapter", At("run"), "--prompt", "hf:x/y", "--max-tokens", "2").ExitCode);
        Assert.Contains("HF_HUB_OFFLINE", CommandLine.Vernier("inspect", "hf:some-one/other").Refusal(), StringComparison.Ordinal);
        Assert.Contains("would overwrite MODEL", CommandLine.Vernier("export", model, "--to", "gguf", "--out", Path.Combine(Snapshot, "tiny.gguf"), "--force").Refusal(2), StringComparison.Ordinal);
    }

    [Fact]
    public void ARefusalIsOneLineWithoutTheToken()
    {
        _server.Instead = context =>
        {
            HubServer.Answer(context, 403, "", ("X-Error-Code", "GatedRepo"));
            return true;
        };
        var line = CommandLine.Vernier("inspect", "hf:" + HubServer.Repository).Refusal();
        Assert.Contains("is gated", line, StringComparison.Ordinal);
        Assert.DoesNotContain("verysecret", line, StringComparison.Ordinal);
    }

    [Fact]
    public void AFolderIsPushedWithoutItsCheckpoints()
    {
        foreach (var name in (string[])["run/adapter.safetensors", "run/README.md", "run/.hidden", "run/checkpoint-1/state.bin"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
            Write(name, name);
        }
        var json = CommandLine.Vernier("push", At("run"), HubServer.Repository, "--message", "first", "--json", "-").Json();
        Assert.Equal(["README.md", "adapter.safetensors"], json.GetProperty("files").EnumerateArray().Select(file => file.GetString()!));
        Assert.Equal("first", JsonDocument.Parse(_server.Requests.Last().Body.Split('\n')[0]).RootElement.GetProperty("value").GetProperty("summary").GetString());
    }
}
