using System.Text;
using System.Text.Json.Nodes;
using Vernier.Files.Hub;
using Vernier.TestSupport;

namespace Vernier.Files.Tests.Hub;

/// <summary>Files go to the hub by one commit: large ones to its store first.</summary>
public sealed class HubUploadTests : IDisposable
{
    private readonly HubServer _server = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("vernier-test-").FullName;
    private readonly byte[] _large = [.. Enumerable.Range(0, 2500).Select(i => (byte)(i * 7))];

    private HubSettings Settings => new() { Endpoint = _server.Endpoint, Cache = _folder, Token = "hf_verysecret", RetryDelay = TimeSpan.FromMilliseconds(1), Retries = 3 };

    public void Dispose()
    {
        _server.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    public async Task A_commit_holds_small_files_and_names_large_ones(int parts)
    {
        _server.UploadParts = parts;
        var oid = HubServer.Hash("a.safetensors", _large);
        var pushed = await PushAsync(Settings);
        Assert.Equal((HubServer.Commit, 2500L), (pushed.Commit, pushed.Bytes));
        Assert.Equal(_large, parts == 0 ? _server.Stored[oid] : [.. Enumerable.Range(1, 3).SelectMany(part => _server.Stored[$"{oid}-{part}"])]);
        Assert.All(_server.Requests, asked => Assert.Equal(asked.Host == "127.0.0.1" ? "Bearer hf_verysecret" : null, asked.Authorization));
        Assert.Contains(_server.Requests, asked => asked.Path == "/verify/" + oid && asked.Body.Contains("2500"));
        if (parts > 0)
            Assert.Equal($$"""{"oid":"{{oid}}","parts":[{"partNumber":1,"etag":"\u0022{{oid}}-1\u0022"},{"partNumber":2,"etag":"\u0022{{oid}}-2\u0022"},{"partNumber":3,"etag":"\u0022{{oid}}-3\u0022"}]}""", _server.Requests.Single(asked => asked.Path == "/join/" + oid).Body);
        var lines = _server.Requests.Last().Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(["header", "lfsFile", "file"], lines.Select(line => line["key"]!.ToString()));
        Assert.Equal("why", lines[0]["value"]!["summary"]!.ToString());
        Assert.Equal($$"""{"path":"a.safetensors","algo":"sha256","oid":"{{oid}}","size":2500}""", lines[1]["value"]!.ToJsonString());
        Assert.Equal("hello", Encoding.UTF8.GetString(Convert.FromBase64String(lines[2]["value"]!["content"]!.ToString())));
    }

    [Fact]
    public async Task What_the_hub_has_is_not_sent_again()
    {
        _server.Stored[HubServer.Hash("a.safetensors", _large)] = _large;
        Assert.Equal(0, (await PushAsync(Settings)).Bytes);
        Assert.DoesNotContain(_server.Requests, asked => asked.Method == "PUT");
    }

    [Fact]
    public async Task A_store_that_fails_is_asked_again()
    {
        var failed = 0;
        _server.Instead = context =>
        {
            if (context.Request.HttpMethod != "PUT" || Interlocked.Increment(ref failed) > 2)
                return false;
            HubServer.Answer(context, 503);
            return true;
        };
        Assert.Equal(2500, (await PushAsync(Settings)).Bytes);
        Assert.Equal(_large, _server.Stored[HubServer.Hash("a.safetensors", _large)]);
    }

    [Fact]
    public async Task Nothing_is_committed_where_a_file_was_not_stored()
    {
        _server.Instead = context =>
        {
            if (context.Request.HttpMethod != "PUT")
                return false;
            HubServer.Answer(context, 403);
            return true;
        };
        Assert.Contains("storing 'a.safetensors'", (await Assert.ThrowsAsync<IOException>(() => PushAsync(Settings))).Message);
        Assert.DoesNotContain(_server.Requests, asked => asked.Path.Contains("/commit/"));
    }

    [Fact]
    public async Task Without_a_token_nothing_is_asked()
    {
        Assert.Contains("HF_TOKEN", (await Assert.ThrowsAsync<IOException>(() => PushAsync(Settings with { Token = null }))).Message);
        Assert.Contains("HF_HUB_OFFLINE", (await Assert.ThrowsAsync<IOException>(() => PushAsync(Settings with { Offline = true }))).Message);
        Assert.Empty(_server.Requests);
    }

    private async Task<HubPush> PushAsync(HubSettings settings)
    {
        File.WriteAllBytes(Path.Combine(_folder, "a.safetensors"), _large);
        File.WriteAllText(Path.Combine(_folder, "README.md"), "hello");
        HubUploadFile[] files = [new(Path.Combine(_folder, "a.safetensors"), "a.safetensors", 2500), new(Path.Combine(_folder, "README.md"), "README.md", 5)];
        using var hub = new HubUpload(settings);
        return await hub.PushAsync(HubReference.Parse(HubServer.Repository), files, "why", isPrivate: false, default);
    }
}
