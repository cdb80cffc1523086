using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Vernier.TestSupport;

/// <summary>As much of the hub as pull and push ask of it, on a port of this machine; its large files lie on "another host", the same machine by another name.</summary>
internal sealed class HubServer : IDisposable
{
    public const string Repository = "some-one/a.model";
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly HttpListener _listener = new();
    private readonly int _port;

    public HubServer()
    {
        for (var attempt = 0; ; attempt++)
        {
            _port = Random.Shared.Next(20_000, 60_000);
            try
            {
                _listener.Prefixes.Clear();
                _listener.Prefixes.Add($"http://127.0.0.1:{_port}/");
                _listener.Prefixes.Add($"http://localhost:{_port}/");
                _listener.Start();
                break;
            }
            catch (HttpListenerException) when (attempt < 50)
            {
                // the port is taken
            }
        }
        _ = Task.Run(ServeAsync);
    }

    /// <summary>What a request said.</summary>
    public sealed record Asked(string Method, string Host, string Path, string? Range, string? Authorization, string Body);

    public Uri Endpoint => new($"http://127.0.0.1:{_port}");

    /// <summary>The files of the repository; those whose names end in .gguf or .safetensors are large.</summary>
    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>Hashes that are listed in place of the right ones.</summary>
    public Dictionary<string, string> OtherHashes { get; } = new(StringComparer.Ordinal);

    /// <summary>What push stored, by its hash or part.</summary>
    public ConcurrentDictionary<string, byte[]> Stored { get; } = new(StringComparer.Ordinal);

    public ConcurrentQueue<Asked> Requests { get; } = new();

    /// <summary>Answers in place of the server; false where it leaves the request to it.</summary>
    public Func<HttpListenerContext, bool>? Instead { get; set; }

    /// <summary>Bytes of the parts of large uploads; 0 = each in one.</summary>
    public int UploadParts { get; set; }

    public void Dispose() => _listener.Close();

    public static bool IsLarge(string name) => name.EndsWith(".gguf", StringComparison.Ordinal) || name.EndsWith(".safetensors", StringComparison.Ordinal);

    public static string Hash(string name, byte[] bytes) => IsLarge(name)
        ? Convert.ToHexStringLower(SHA256.HashData(bytes))
        : Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {bytes.Length}\0"), .. bytes]));

    public static void Answer(HttpListenerContext context, int status, string text = "", params (string Name, string Value)[] headers)
    {
        context.Response.StatusCode = status;
        foreach (var (name, value) in headers)
            context.Response.AddHeader(name, value);
        context.Response.Close(Encoding.UTF8.GetBytes(text), willBlock: true);
    }

    /// <summary>Sends the file or a range of it, and breaks off after so many bytes.</summary>
    public static void Send(HttpListenerContext context, byte[] bytes, int breakAfter = int.MaxValue, bool ranges = true)
    {
        var (from, to) = (0, bytes.Length - 1);
        if (ranges && context.Request.Headers["Range"] is { } range)
        {
            var ends = range["bytes=".Length..].Split('-');
            (from, to) = (int.Parse(ends[0], CultureInfo.InvariantCulture), Math.Min(to, int.Parse(ends[1], CultureInfo.InvariantCulture)));
            if (from >= bytes.Length)
            {
                Answer(context, 416);
                return;
            }
            context.Response.StatusCode = 206;
            context.Response.AddHeader("Content-Range", $"bytes {from}-{to}/{bytes.Length}");
        }
        var length = to - from + 1;
        context.Response.ContentLength64 = length;
        context.Response.OutputStream.Write(bytes, from, Math.Min(length, breakAfter));
        context.Response.OutputStream.Flush();
        if (breakAfter < length)
            context.Response.Abort();
        else
            context.Response.Close();
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
            try
            {
                var context = await _listener.GetContextAsync();
                _ = Task.Run(() => Serve(context));
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
    }

    private void Serve(HttpListenerContext context)
    {
        try
        {
            var body = Encoding.Latin1.GetString(Body(context.Request));
            Requests.Enqueue(new(context.Request.HttpMethod, context.Request.Url!.Host, context.Request.Url.AbsolutePath, context.Request.Headers["Range"], context.Request.Headers["Authorization"], body));
            if (Instead?.Invoke(context) != true)
                Usual(context, body);
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or IOException)
        {
            // the client has gone
        }
    }

    private void Usual(HttpListenerContext context, string body)
    {
        var path = Uri.UnescapeDataString(context.Request.Url!.AbsolutePath);
        if (path.StartsWith($"/api/models/{Repository}/revision/", StringComparison.Ordinal))
            Answer(context, 200, Listing().ToJsonString());
        else if (path.StartsWith($"/{Repository}/resolve/{Commit}/", StringComparison.Ordinal) && path[$"/{Repository}/resolve/{Commit}/".Length..] is var name && Files.TryGetValue(name, out var bytes))
            Resolve(context, name, bytes);
        else if (path.StartsWith("/cdn/", StringComparison.Ordinal) && Files.TryGetValue(path["/cdn/".Length..], out var large))
            Send(context, large);
        else if (context.Request.HttpMethod == "PUT")
            Store(context, path, body);
        else if (context.Request.HttpMethod == "POST")
            Post(context, path, body);
        else
            Answer(context, 404, "", ("X-Error-Code", "RepoNotFound"));
    }

    private void Resolve(HttpListenerContext context, string name, byte[] bytes)
    {
        if (IsLarge(name))
            Answer(context, 302, "", ("Location", $"http://localhost:{_port}/cdn/{name}?signature=secret"));
        else
            Send(context, bytes);
    }

    private JsonObject Listing() => new()
    {
        ["sha"] = Commit,
        ["siblings"] = new JsonArray([.. Files.Select(file =>
        {
            var hash = OtherHashes.GetValueOrDefault(file.Key) ?? Hash(file.Key, file.Value);
            var sibling = new JsonObject { ["rfilename"] = file.Key, ["size"] = file.Value.Length, ["blobId"] = IsLarge(file.Key) ? new string('0', 40) : hash };
            if (IsLarge(file.Key))
                sibling["lfs"] = new JsonObject { ["sha256"] = hash, ["size"] = file.Value.Length, ["pointerSize"] = 130 };
            return (JsonNode)sibling;
        })]),
    };

    private void Store(HttpListenerContext context, string path, string body)
    {
        Stored[path[(path.LastIndexOf('/') + 1)..]] = Encoding.Latin1.GetBytes(body);
        Answer(context, 200, "", ("ETag", $"\"{path[(path.LastIndexOf('/') + 1)..]}\""));
    }

    private void Post(HttpListenerContext context, string path, string body)
    {
        if (path == "/api/repos/create")
            Answer(context, 409, """{"error": "You already created this model repo"}""");
        else if (path == $"/api/models/{Repository}/preupload/main")
            Answer(context, 200, new JsonObject { ["files"] = new JsonArray([.. JsonNode.Parse(body)!["files"]!.AsArray().Select(file => (JsonNode)new JsonObject { ["path"] = file!["path"]!.ToString(), ["uploadMode"] = IsLarge(file["path"]!.ToString()) ? "lfs" : "regular" })]) }.ToJsonString());
        else if (path == $"/{Repository}.git/info/lfs/objects/batch")
            Answer(context, 200, new JsonObject { ["objects"] = new JsonArray([.. JsonNode.Parse(body)!["objects"]!.AsArray().Select(item => (JsonNode)Upload(item!["oid"]!.ToString(), (long)item["size"]!))]) }.ToJsonString());
        else if (path == $"/api/models/{Repository}/commit/main")
            Answer(context, 200, $$"""{"success": true, "commitOid": "{{Commit}}", "commitUrl": "https://hub/{{Repository}}/commit/{{Commit}}"}""");
        else
            Answer(context, 200, "{}");
    }

    private JsonObject Upload(string oid, long size)
    {
        var upload = new JsonObject { ["href"] = $"http://localhost:{_port}/store/{oid}" };
        if (UploadParts > 0)
        {
            var header = new JsonObject { ["chunk_size"] = UploadParts.ToString(CultureInfo.InvariantCulture) };
            for (var part = 1; (part - 1) * (long)UploadParts < size; part++)
                header[part.ToString("D5", CultureInfo.InvariantCulture)] = $"http://localhost:{_port}/store/{oid}-{part}";
            upload = new JsonObject { ["href"] = $"{Endpoint}join/{oid}", ["header"] = header };
        }
        return Stored.ContainsKey(oid)
            ? new JsonObject { ["oid"] = oid, ["size"] = size }
            : new JsonObject { ["oid"] = oid, ["size"] = size, ["actions"] = new JsonObject { ["upload"] = upload, ["verify"] = new JsonObject { ["href"] = $"{Endpoint}verify/{oid}" } } };
    }

    private static byte[] Body(HttpListenerRequest request)
    {
        var bytes = new MemoryStream();
        request.InputStream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
