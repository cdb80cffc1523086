using Vernier.Files.Hub;
using Vernier.TestSupport;

namespace Vernier.Files.Tests.Hub;

/// <summary>Repositories of the hub come into the cache whole and right, whatever servers and networks do.</summary>
public sealed class HubPullTests : IDisposable
{
    private const string Token = "hf_verysecret";
    private readonly HubServer _server = new();
    private readonly string _cache = Directory.CreateTempSubdirectory("vernier-test-").FullName;
    private readonly byte[] _large = [.. Enumerable.Range(0, 10_500).Select(i => (byte)(i * 31 + (i >> 8)))];

    public HubPullTests()
    {
        _server.Files["config.json"] = "{}"u8.ToArray();
        _server.Files["folder/notes.md"] = "grüße"u8.ToArray();
        _server.Files["m.gguf"] = _large;
    }

    private HubSettings Settings => new() { Endpoint = _server.Endpoint, Cache = _cache, Token = Token, ChunkBytes = 1000, RetryDelay = TimeSpan.FromMilliseconds(1), Retries = 3 };

    private string Blobs => Path.Combine(_cache, "models--some-one--a.model", "blobs");

    private string Partial => Path.Combine(Blobs, HubServer.Hash("m.gguf", _large) + ".incomplete");

    public void Dispose()
    {
        _server.Dispose();
        Directory.Delete(_cache, recursive: true);
    }

    [Fact]
    public async Task Files_lie_where_the_hubs_own_library_looks()
    {
        var pulled = await PullAsync();
        var root = Path.Combine(_cache, "models--some-one--a.model");
        Assert.Equal(Path.Combine(root, "snapshots", HubServer.Commit), pulled.Folder);
        Assert.Equal(HubServer.Commit, File.ReadAllText(Path.Combine(root, "refs", "main")));
        Assert.Equal(_server.Files.Select(file => HubServer.Hash(file.Key, file.Value)).Order(StringComparer.Ordinal), Directory.EnumerateFiles(Blobs).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        foreach (var (name, bytes) in _server.Files)
            Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(pulled.Folder, name)));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(Path.Combine("..", "..", "..", "blobs", HubServer.Hash("folder/notes.md", _server.Files["folder/notes.md"])), new FileInfo(Path.Combine(pulled.Folder, "folder", "notes.md")).LinkTarget);
        Assert.Equal(_server.Files.Values.Sum(bytes => (long)bytes.Length), pulled.Bytes);
        _server.Requests.Clear();
        Assert.Equal(0, (await PullAsync()).Bytes);
        Assert.Single(_server.Requests); // the list alone
    }

    [Fact]
    public async Task Only_what_is_included_comes()
    {
        Assert.Equal(["folder/notes.md", "m.gguf"], (await PullAsync(HubServer.Repository, "*.md", "m*")).Files);
        Assert.Contains("no file matches; it holds config.json, folder/notes.md, m.gguf", (await Assert.ThrowsAsync<InvalidDataException>(() => PullAsync(HubServer.Repository, "*.bin"))).Message);
        Assert.Equal(["config.json"], (await PullAsync(HubServer.Repository + "/config.json")).Files);
    }

    [Fact]
    public async Task Large_files_come_in_ranges_and_the_token_stays_with_the_hub()
    {
        await PullAsync();
        var cdn = _server.Requests.Where(asked => asked.Path == "/cdn/m.gguf").ToList();
        Assert.Equal(11, cdn.Count);
        Assert.Contains("bytes=10000-10499", cdn.Select(asked => asked.Range));
        Assert.All(cdn, asked => Assert.Null(asked.Authorization));
        Assert.All(_server.Requests.Where(asked => asked.Host == "127.0.0.1"), asked => Assert.Equal("Bearer " + Token, asked.Authorization));
    }

    [Fact]
    public async Task Transfers_that_break_off_go_on()
    {
        var broken = 0;
        _server.Instead = context =>
        {
            if (!context.Request.Url!.AbsolutePath.StartsWith("/cdn/", StringComparison.Ordinal) || Interlocked.Increment(ref broken) % 2 == 0)
                return false;
            HubServer.Send(context, _large, breakAfter: 300);
            return true;
        };
        Assert.Equal(_large, File.ReadAllBytes(Path.Combine((await PullAsync()).Folder, "m.gguf")));
        Assert.True(broken > 11);
    }

    [Fact]
    public async Task What_is_here_stays_when_the_user_stops_and_the_next_run_goes_on()
    {
        using var stop = new CancellationTokenSource();
        _server.Instead = context =>
        {
            if (context.Request.Headers["Range"] is not { } range || range.StartsWith("bytes=0-", StringComparison.Ordinal) || range.StartsWith("bytes=1000-", StringComparison.Ordinal))
                return false;
            while (!File.Exists(Partial) || new FileInfo(Partial).Length < 2000)
                Thread.Sleep(5);
            stop.Cancel();
            return true; // and no answer
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PullAsync(stop.Token));
        Assert.Equal(_large[..2000], File.ReadAllBytes(Partial));
        (_server.Instead, var before) = (null, _server.Requests.Count);
        var pulled = await PullAsync();
        Assert.Equal(_large, File.ReadAllBytes(Path.Combine(pulled.Folder, "m.gguf")));
        Assert.Equal(8500, pulled.Bytes);
        Assert.DoesNotContain(_server.Requests.Skip(before), asked => asked.Range is "bytes=0-999" or "bytes=1000-1999");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_without_ranges_gives_the_whole(bool refuses)
    {
        Directory.CreateDirectory(Blobs);
        File.WriteAllBytes(Partial, _large[..1500]);
        _server.Instead = context =>
        {
            if (!context.Request.Url!.AbsolutePath.StartsWith("/cdn/", StringComparison.Ordinal))
                return false;
            if (refuses && context.Request.Headers["Range"] is not null)
                HubServer.Answer(context, 416);
            else
                HubServer.Send(context, _large, ranges: false);
            return true;
        };
        Assert.Equal(_large, File.ReadAllBytes(Path.Combine((await PullAsync()).Folder, "m.gguf")));
    }

    [Fact]
    public async Task Other_bytes_than_those_listed_are_refused()
    {
        _server.OtherHashes["m.gguf"] = new string('a', 64);
        var message = (await Assert.ThrowsAsync<InvalidDataException>(() => PullAsync())).Message;
        Assert.Contains("content: found the hash " + HubServer.Hash("m.gguf", _large) + ", expected aaaa", message);
        Assert.DoesNotContain("secret", message); // neither token nor signature
        Assert.DoesNotContain(Directory.EnumerateFiles(Blobs), path => Path.GetFileName(path).StartsWith("aaaa", StringComparison.Ordinal));
        _server.OtherHashes.Clear();
        _server.OtherHashes["config.json"] = new string('b', 40);
        await Assert.ThrowsAsync<InvalidDataException>(() => PullAsync());
    }

    [Fact]
    public async Task A_beginning_of_another_file_is_given_up()
    {
        Directory.CreateDirectory(Blobs);
        File.WriteAllBytes(Partial, new byte[3000]);
        Assert.Equal(_large, File.ReadAllBytes(Path.Combine((await PullAsync()).Folder, "m.gguf")));
        Assert.False(File.Exists(Partial));
    }

    [Theory]
    [InlineData(401, null, "the token is not accepted")]
    [InlineData(403, "GatedRepo", "is gated: accept its conditions at http://127.0.0.1:")]
    [InlineData(403, null, "the token lacks the right")]
    [InlineData(404, "RepoNotFound", "there is no such repository")]
    [InlineData(404, "RevisionNotFound", "there is no such revision")]
    [InlineData(400, null, "the hub answers 400")]
    [InlineData(429, null, "429")]
    [InlineData(500, null, "the hub fails (500)")]
    public async Task A_refusal_says_what_can_be_done(int status, string? code, string expected)
    {
        _server.Instead = context =>
        {
            HubServer.Answer(context, status, "{}", code is null ? [] : [("X-Error-Code", code)]);
            return true;
        };
        var message = (await Assert.ThrowsAsync<IOException>(() => PullAsync())).Message;
        Assert.StartsWith(HubServer.Repository + ": ", message);
        Assert.Contains(expected, message);
        Assert.DoesNotContain(Token, message);
        Assert.Equal(status is 429 or 500 ? 4 : 1, _server.Requests.Count);
    }

    [Fact]
    public async Task Too_many_requests_are_waited_for()
    {
        var refused = 0;
        _server.Instead = context =>
        {
            if (Interlocked.Increment(ref refused) > 2)
                return false;
            HubServer.Answer(context, refused == 1 ? 429 : 503, "", ("Retry-After", "1"));
            return true;
        };
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await PullAsync();
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(1.9), $"waited {clock.Elapsed}"); // twice a second
    }

    [Theory]
    [InlineData("../evil.txt")]
    [InlineData("/etc/evil.txt")]
    [InlineData("a/../../evil.txt")]
    [InlineData("a\\..\\evil.txt")]
    [InlineData("c:evil.txt")]
    [InlineData("a//b")]
    [InlineData("a\nb")]
    public async Task Names_that_lead_elsewhere_are_refused(string name)
    {
        _server.Files[name] = "evil"u8.ToArray();
        Assert.Contains("leads elsewhere", (await Assert.ThrowsAsync<InvalidDataException>(() => PullAsync())).Message);
        Assert.Empty(Directory.EnumerateFiles(_cache, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Redirects_have_an_end()
    {
        _server.Instead = context =>
        {
            HubServer.Answer(context, 302, "", ("Location", "/again"));
            return true;
        };
        Assert.Contains("more than 10 times", (await Assert.ThrowsAsync<IOException>(() => PullAsync())).Message);
    }

    [Fact]
    public async Task Offline_the_cache_answers_alone()
    {
        var pulled = await PullAsync();
        _server.Requests.Clear();
        using var hub = new HubModels(Settings with { Offline = true });
        Assert.Equal(pulled.Folder, (await hub.PullAsync(HubReference.Parse(HubServer.Repository), [], default)).Folder);
        Assert.Equal(pulled.Folder, (await hub.PullAsync(HubReference.Parse($"{HubServer.Repository}@{HubServer.Commit}"), [], default)).Folder);
        Assert.Contains("HF_HUB_OFFLINE", (await Assert.ThrowsAsync<IOException>(() => hub.PullAsync(HubReference.Parse("some-one/other"), [], default))).Message);
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task Too_little_room_is_said_before_anything_comes()
    {
        _server.Instead = context =>
        {
            HubServer.Answer(context, 200, $$"""{"sha": "{{HubServer.Commit}}", "siblings": [{"rfilename": "x.gguf", "size": 9000000000000000000, "lfs": {"sha256": "{{new string('a', 64)}}" } }]}""");
            return true;
        };
        Assert.Contains("HF_HUB_CACHE names another folder", (await Assert.ThrowsAsync<IOException>(() => PullAsync())).Message);
        Assert.Single(_server.Requests);
    }

    [Theory]
    [InlineData("nothing", "is not JSON")]
    [InlineData("[]", "no text 'sha'")]
    [InlineData("""{"sha": "../x", "siblings": [{"rfilename": "a", "size": 1, "blobId": "0123456789012345678901234567890123456789"}]}""", "expected 40 hexadecimal digits")]
    [InlineData("""{"sha": "x", "siblings": [{"rfilename": "a", "size": 1, "blobId": "../../x"}]}""", "the hash '../../x'")]
    [InlineData("""{"sha": "x", "siblings": [{"rfilename": "a", "size": -1, "blobId": "0123456789012345678901234567890123456789"}]}""", "no size 'size'")]
    public async Task Answers_that_make_no_sense_are_refused(string answer, string expected)
    {
        _server.Instead = context =>
        {
            HubServer.Answer(context, 200, answer);
            return true;
        };
        Assert.Contains(expected, (await Assert.ThrowsAsync<InvalidDataException>(() => PullAsync())).Message);
    }

    [Fact]
    public async Task A_hub_that_is_not_there_is_named()
    {
        _server.Dispose();
        Assert.Contains("cannot be reached", (await Assert.ThrowsAsync<IOException>(() => PullAsync())).Message);
    }

    [Fact]
    public async Task A_model_is_the_folder_or_the_only_file()
    {
        using var hub = new HubModels(Settings);
        var snapshot = Path.Combine(_cache, "models--some-one--a.model", "snapshots", HubServer.Commit);
        Assert.Equal(snapshot, await hub.ModelAsync(HubReference.Parse("hf:" + HubServer.Repository), default));
        Assert.Equal(["config.json"], Directory.EnumerateFiles(snapshot).Select(path => Path.GetFileName(path)));
        Assert.Equal(Path.Combine(snapshot, "m.gguf"), await hub.ModelAsync(HubReference.Parse($"hf:{HubServer.Repository}/m.gguf"), default));
        _server.Files.Remove("config.json");
        Assert.Equal(Path.Combine(snapshot, "m.gguf"), await hub.ModelAsync(HubReference.Parse("hf:" + HubServer.Repository), default));
    }

    private Task<HubPull> PullAsync(CancellationToken stop = default) => PullAsync(Settings, HubServer.Repository, [], stop);

    private Task<HubPull> PullAsync(string reference, params string[] include) => PullAsync(Settings, reference, include, default);

    private static async Task<HubPull> PullAsync(HubSettings settings, string reference, string[] include, CancellationToken stop)
    {
        using var hub = new HubModels(settings);
        return await hub.PullAsync(HubReference.Parse(reference), include, stop);
    }
}
