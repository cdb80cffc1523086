using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files.Disk;

namespace Vernier.Files.Hub;

/// <summary>Writes files into a repository of the hub by one commit: large ones go to its LFS store first, the commit names them, small ones are in it.
/// Until the commit nothing is seen.</summary>
/// <param name="progress">Told (bytes that are there, bytes in all).</param>
internal sealed class HubUpload(HubSettings settings, Action<long, long>? progress = null) : IDisposable
{
    private const string LfsJson = "application/vnd.git-lfs+json";
    private const int SampleBytes = 512;
    private const int BatchFiles = 256;
    private const long MostJson = 1 << 26;
    private readonly HubHttp _http = new(settings);
    private long _done;
    private long _total;

    public void Dispose() => _http.Dispose();

    /// <param name="isPrivate">Of a repository that has to be made.</param>
    /// <param name="message">Of the commit.</param>
    /// <exception cref="IOException">The hub refuses or cannot be reached.</exception>
    public async Task<HubPush> PushAsync(HubReference reference, IReadOnlyList<HubUploadFile> files, string message, bool isPrivate, CancellationToken cancel)
    {
        if (settings.Offline)
            throw new IOException($"{reference}: HF_HUB_OFFLINE forbids to ask the hub");
        if (settings.Token is null)
            throw new IOException($"{reference}: writing needs a token: set HF_TOKEN to one that may write");
        await CreateAsync(reference, isPrivate, cancel).ConfigureAwait(false);
        var large = await LargeAsync(reference, files, cancel).ConfigureAwait(false);
        var oids = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in files.Where(file => large.Contains(file.Name)))
            oids[file.Name] = await Sha256Async(file, cancel).ConfigureAwait(false);
        _total = files.Sum(file => file.Size);
        var uploaded = 0L;
        foreach (var batch in files.Where(file => oids.ContainsKey(file.Name)).DistinctBy(file => oids[file.Name]).Chunk(BatchFiles))
            uploaded += await UploadAsync(reference, batch, oids, cancel).ConfigureAwait(false);
        return await CommitAsync(reference, files, oids, message, uploaded, cancel).ConfigureAwait(false);
    }

    private async Task CreateAsync(HubReference reference, bool isPrivate, CancellationToken cancel)
    {
        var parts = reference.Repository.Split('/');
        var body = new JsonObject { ["organization"] = parts[0], ["name"] = parts[1], ["private"] = isPrivate };
        using var response = await PostAsync(_http.At("/api/repos/create"), body, "application/json", cancel).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.Conflict) // it is there
            HubErrors.Require(response, settings, reference.Repository);
    }

    /// <summary>The names of the files that the hub wants in its LFS store.</summary>
    private async Task<HashSet<string>> LargeAsync(HubReference reference, IReadOnlyList<HubUploadFile> files, CancellationToken cancel)
    {
        var large = new HashSet<string>(StringComparer.Ordinal);
        foreach (var batch in files.Chunk(BatchFiles))
        {
            var list = new JsonArray([.. batch.Select(file => (JsonNode)new JsonObject { ["path"] = file.Name, ["sample"] = Convert.ToBase64String(Sample(file)), ["size"] = file.Size })]);
            using var response = await PostAsync(_http.At($"/api/models/{reference.Repository}/preupload/{Uri.EscapeDataString(reference.Revision)}"), new JsonObject { ["files"] = list }, "application/json", cancel).ConfigureAwait(false);
            HubErrors.Require(response, settings, reference.Repository);
            using var json = await HubJson.ReadAsync(response, reference.Repository, MostJson, cancel).ConfigureAwait(false);
            foreach (var file in Array(json.RootElement, "files", reference))
                if (HubJson.Text(file, "uploadMode", reference.Repository) == "lfs")
                    large.Add(HubJson.Text(file, "path", reference.Repository));
        }
        return large;
    }

    /// <returns>Bytes that were sent.</returns>
    private async Task<long> UploadAsync(HubReference reference, HubUploadFile[] files, IReadOnlyDictionary<string, string> oids, CancellationToken cancel)
    {
        var byOid = files.ToDictionary(file => oids[file.Name], StringComparer.Ordinal);
        var objects = new JsonArray([.. byOid.Select(pair => (JsonNode)new JsonObject { ["oid"] = pair.Key, ["size"] = pair.Value.Size })]);
        var body = new JsonObject { ["operation"] = "upload", ["transfers"] = new JsonArray("basic", "multipart"), ["objects"] = objects, ["hash_algo"] = "sha256", ["ref"] = new JsonObject { ["name"] = reference.Revision } };
        using var response = await PostAsync(_http.At($"/{reference.Repository}.git/info/lfs/objects/batch"), body, LfsJson, cancel).ConfigureAwait(false);
        HubErrors.Require(response, settings, reference.Repository);
        using var json = await HubJson.ReadAsync(response, reference.Repository, MostJson, cancel).ConfigureAwait(false);
        var sent = 0L;
        foreach (var item in Array(json.RootElement, "objects", reference))
        {
            var oid = HubJson.Text(item, "oid", reference.Repository);
            if (!byOid.TryGetValue(oid, out var file))
                throw Damaged.File(reference.Repository, "the hub's answer", $"the object {oid}", "one that was asked for");
            if (item.TryGetProperty("error", out var error))
                throw new IOException($"{reference.Repository}: '{file.Name}' is refused: {HubJson.Text(error, "message", reference.Repository)}");
            if (item.TryGetProperty("actions", out var actions) && actions.ValueKind == JsonValueKind.Object && actions.TryGetProperty("upload", out var upload))
            {
                await StoreAsync(reference, file, oid, upload, cancel).ConfigureAwait(false);
                if (actions.TryGetProperty("verify", out var verify))
                    await VerifyAsync(reference, file, oid, verify, cancel).ConfigureAwait(false);
                sent += file.Size;
            }
            progress?.Invoke(_done += file.Size, _total);
        }
        return sent;
    }

    private async Task StoreAsync(HubReference reference, HubUploadFile file, string oid, JsonElement upload, CancellationToken cancel)
    {
        var target = new Uri(HubJson.Text(upload, "href", reference.Repository));
        var header = upload.TryGetProperty("header", out var given) && given.ValueKind == JsonValueKind.Object ? given : default;
        if (header.ValueKind == JsonValueKind.Object && header.TryGetProperty("chunk_size", out var chunk))
        {
            await StorePartsAsync(reference, file, oid, target, header, long.Parse(chunk.ToString(), CultureInfo.InvariantCulture), cancel).ConfigureAwait(false);
            return;
        }
        using var response = await PutAsync(target, file, 0, file.Size, header, cancel).ConfigureAwait(false);
        HubErrors.Require(response, settings, $"{reference.Repository}: storing '{file.Name}'");
    }

    /// <summary>Parts of a size that the hub says, each to an address of its own; the hub joins them by the tags that the store gave.</summary>
    private async Task StorePartsAsync(HubReference reference, HubUploadFile file, string oid, Uri target, JsonElement header, long chunk, CancellationToken cancel)
    {
        var place = $"{reference.Repository}: storing '{file.Name}'";
        var addresses = header.EnumerateObject().Where(pair => int.TryParse(pair.Name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .OrderBy(pair => int.Parse(pair.Name, CultureInfo.InvariantCulture)).Select(pair => new Uri(pair.Value.ToString())).ToList();
        if (chunk <= 0 || addresses.Count != (file.Size + chunk - 1) / chunk)
            throw Damaged.File(place, "the hub's answer", $"{addresses.Count} parts of {chunk} bytes", $"as many as {file.Size} bytes need");
        var parts = new JsonArray();
        for (var i = 0; i < addresses.Count; i++)
        {
            using var response = await PutAsync(addresses[i], file, i * chunk, Math.Min(chunk, file.Size - i * chunk), default, cancel).ConfigureAwait(false);
            HubErrors.Require(response, settings, place);
            var tag = response.Headers.TryGetValues("ETag", out var tags) ? tags.First() : throw Damaged.File(place, $"the answer to part {i + 1}", "no ETag", "one");
            parts.Add((JsonNode)new JsonObject { ["partNumber"] = i + 1, ["etag"] = tag });
        }
        using var joined = await PostAsync(target, new JsonObject { ["oid"] = oid, ["parts"] = parts }, LfsJson, cancel).ConfigureAwait(false);
        HubErrors.Require(joined, settings, place);
    }

    private async Task VerifyAsync(HubReference reference, HubUploadFile file, string oid, JsonElement verify, CancellationToken cancel)
    {
        var target = new Uri(HubJson.Text(verify, "href", reference.Repository));
        using var response = await PostAsync(target, new JsonObject { ["oid"] = oid, ["size"] = file.Size }, LfsJson, cancel).ConfigureAwait(false);
        HubErrors.Require(response, settings, $"{reference.Repository}: checking '{file.Name}'");
    }

    private async Task<HubPush> CommitAsync(HubReference reference, IReadOnlyList<HubUploadFile> files, IReadOnlyDictionary<string, string> oids, string message, long uploaded, CancellationToken cancel)
    {
        var lines = new StringBuilder();
        Add("header", new JsonObject { ["summary"] = message, ["description"] = "" });
        foreach (var file in files)
            if (oids.TryGetValue(file.Name, out var oid))
                Add("lfsFile", new JsonObject { ["path"] = file.Name, ["algo"] = "sha256", ["oid"] = oid, ["size"] = file.Size });
            else
                Add("file", new JsonObject { ["path"] = file.Name, ["encoding"] = "base64", ["content"] = Convert.ToBase64String(InputFile.ReadAllBytes(file.Path)) });
        var address = _http.At($"/api/models/{reference.Repository}/commit/{Uri.EscapeDataString(reference.Revision)}");
        using var response = await PostAsync(address, lines.ToString(), "application/x-ndjson", cancel).ConfigureAwait(false);
        HubErrors.Require(response, settings, reference.Repository);
        using var json = await HubJson.ReadAsync(response, reference.Repository, MostJson, cancel).ConfigureAwait(false);
        progress?.Invoke(_total, _total);
        return new HubPush(reference.Repository, HubJson.Text(json.RootElement, "commitOid", reference.Repository), HubJson.Text(json.RootElement, "commitUrl", reference.Repository), [.. files.Select(file => file.Name)], uploaded);

        void Add(string key, JsonObject value) => lines.Append(new JsonObject { ["key"] = key, ["value"] = value }.ToJsonString()).Append('\n');
    }

    private Task<HttpResponseMessage> PostAsync(Uri address, JsonObject body, string type, CancellationToken cancel) => PostAsync(address, body.ToJsonString(), type, cancel);

    private Task<HttpResponseMessage> PostAsync(Uri address, string body, string type, CancellationToken cancel) => _http.SendAsync(() =>
    {
        var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new StringContent(body, Encoding.UTF8, type) };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type == LfsJson ? LfsJson : "application/json"));
        return request;
    }, cancel);

    private Task<HttpResponseMessage> PutAsync(Uri address, HubUploadFile file, long from, long length, JsonElement header, CancellationToken cancel) => _http.SendAsync(() =>
    {
        var request = new HttpRequestMessage(HttpMethod.Put, address) { Content = new StreamContent(new FilePart(file.Path, from, length), 1 << 20) };
        request.Content.Headers.ContentLength = length;
        if (header.ValueKind == JsonValueKind.Object)
            foreach (var pair in header.EnumerateObject())
                request.Headers.TryAddWithoutValidation(pair.Name, pair.Value.ToString());
        return request;
    }, cancel);

    private static byte[] Sample(HubUploadFile file)
    {
        using var stream = InputFile.OpenRead(file.Path);
        var sample = new byte[(int)Math.Min(SampleBytes, file.Size)];
        return sample[..stream.ReadAtLeast(sample, sample.Length, throwOnEndOfStream: false)];
    }

    private static async Task<string> Sha256Async(HubUploadFile file, CancellationToken cancel)
    {
        await using var stream = InputFile.OpenRead(file.Path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancel).ConfigureAwait(false));
    }

    private static JsonElement.ArrayEnumerator Array(JsonElement json, string field, HubReference reference) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(field, out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray()
            : throw Damaged.File(reference.Repository, "the hub's answer", $"no list '{field}'", "one");
}
