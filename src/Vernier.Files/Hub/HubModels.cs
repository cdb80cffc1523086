using System.Globalization;
using System.Text.Json;
using Vernier.Files.Disk;

namespace Vernier.Files.Hub;

/// <summary>Models of the hub as files on the disk: what is not in the cache yet is brought there.</summary>
/// <param name="progress">Told (bytes that are here, bytes in all).</param>
internal sealed class HubModels(HubSettings settings, Action<long, long>? progress = null) : IDisposable
{
    private const long MostJson = 1 << 26;
    private readonly HubHttp _http = new(settings);

    public void Dispose() => _http.Dispose();

    /// <summary>Brings files of a repository into the cache.</summary>
    /// <param name="include">Patterns of <see cref="HubPath.Matches"/>; empty = all files.</param>
    /// <exception cref="IOException">The hub refuses or cannot be reached, or the disk has too little room.</exception>
    /// <exception cref="InvalidDataException">What came is not what the hub lists, or no file matches.</exception>
    public Task<HubPull> PullAsync(HubReference reference, IReadOnlyList<string> include, CancellationToken cancel) =>
        PullAsync(reference, files => [.. files.Where(file => (reference.File is null || file == reference.File) && HubPath.Matches(file, include))], cancel);

    /// <summary>The path of a model: of a file where the reference names one or the repository holds one GGUF model, else of the folder.</summary>
    /// <inheritdoc cref="PullAsync(HubReference, IReadOnlyList{string}, CancellationToken)"/>
    public async Task<string> ModelAsync(HubReference reference, CancellationToken cancel)
    {
        var pulled = await PullAsync(reference, files => HubModelFiles.Choose(reference, files), cancel).ConfigureAwait(false);
        return HubModelFiles.IsFile(pulled.Files) ? Path.Combine([pulled.Folder, .. pulled.Files[0].Split('/')]) : pulled.Folder;
    }

    private async Task<HubPull> PullAsync(HubReference reference, Func<IReadOnlyList<string>, IReadOnlyList<string>> choose, CancellationToken cancel)
    {
        var cache = new HubCache(settings.Cache, reference.Repository);
        if (settings.Offline)
            return Cached(cache, reference, choose);
        var listing = await ListAsync(reference, cancel).ConfigureAwait(false);
        var names = choose([.. listing.Files.Select(file => file.Path)]);
        if (names.Count == 0)
            throw new InvalidDataException($"{reference}: no file matches; it holds {Some(listing.Files.Select(file => file.Path))}");
        var files = listing.Files.Where(file => names.Contains(file.Path, StringComparer.Ordinal)).ToList();
        cache.SetCommit(reference, listing.Commit);
        var bytes = await FetchAsync(cache, reference, listing.Commit, files, cancel).ConfigureAwait(false);
        return new HubPull(reference.Repository, reference.Revision, listing.Commit, cache.Snapshot(listing.Commit), [.. files.Select(file => file.Path)], bytes);
    }

    /// <returns>Bytes that were not here before.</returns>
    private async Task<long> FetchAsync(HubCache cache, HubReference reference, string commit, List<HubFile> files, CancellationToken cancel)
    {
        var total = files.Sum(file => file.Size);
        var here = files.Sum(file => HubDownload.Present(file, cache.Blob(file)));
        var missing = total - here;
        RequireRoom(missing);
        progress?.Invoke(here, total);
        var download = new HubDownload(_http, more => progress?.Invoke(Interlocked.Add(ref here, more), total));
        foreach (var file in files)
        {
            var blob = cache.Blob(file);
            if (!File.Exists(blob))
                await download.FetchAsync(file, _http.At($"/{reference.Repository}/resolve/{commit}/{Escaped(file.Path)}"), blob, cancel).ConfigureAwait(false);
            cache.Link(commit, file);
        }
        return missing;
    }

    private HubPull Cached(HubCache cache, HubReference reference, Func<IReadOnlyList<string>, IReadOnlyList<string>> choose)
    {
        var commit = cache.CommitOf(reference);
        var names = commit is null ? [] : choose(cache.Files(commit));
        return names.Count > 0
            ? new HubPull(reference.Repository, reference.Revision, commit!, cache.Snapshot(commit!), names, 0)
            : throw new IOException($"{reference}: is not in the cache {settings.Cache}, and HF_HUB_OFFLINE forbids to ask the hub");
    }

    private async Task<HubListing> ListAsync(HubReference reference, CancellationToken cancel)
    {
        var address = _http.At($"/api/models/{reference.Repository}/revision/{Uri.EscapeDataString(reference.Revision)}?blobs=true");
        using var response = await _http.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, address), cancel).ConfigureAwait(false);
        HubErrors.Require(response, settings, (reference with { File = null }).ToString());
        using var json = await HubJson.ReadAsync(response, reference.Repository, MostJson, cancel).ConfigureAwait(false);
        var root = json.RootElement;
        var commit = HubJson.Text(root, "sha", reference.Repository);
        if (!root.TryGetProperty("siblings", out var siblings) || siblings.ValueKind != JsonValueKind.Array)
            throw Damaged.File(reference.Repository, "the hub's answer", "no list of files", "the field siblings");
        return new HubListing(commit, [.. siblings.EnumerateArray().Select(sibling => Listed(sibling, reference.Repository))]);
    }

    private static HubFile Listed(JsonElement sibling, string repository)
    {
        var path = HubPath.Checked(HubJson.Text(sibling, "rfilename", repository), "file");
        var lfs = sibling.TryGetProperty("lfs", out var kept) && kept.ValueKind == JsonValueKind.Object;
        var hash = lfs && kept.TryGetProperty("sha256", out _) ? HubJson.Text(kept, "sha256", repository) : lfs ? HubJson.Text(kept, "oid", repository) : HubJson.Text(sibling, "blobId", repository);
        if (hash.Length != (lfs ? 64 : 40) || hash.AsSpan().ContainsAnyExcept("0123456789abcdef"))
            throw Damaged.File(repository, $"the hub's answer on '{path}'", $"the hash '{hash}'", "hexadecimal digits of SHA-256, or of git's SHA-1");
        return new HubFile(path, HubJson.Size(sibling, "size", repository), hash);
    }

    private void RequireRoom(long bytes)
    {
        Directory.CreateDirectory(settings.Cache);
        long free;
        try
        {
            free = new DriveInfo(settings.Cache).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return; // it cannot be asked: writing says when it is full
        }
        if (free < bytes)
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{settings.Cache}: {bytes / 1e9:F2} GB are to come, and {free / 1e9:F2} GB are free; HF_HUB_CACHE names another folder"));
    }

    private static string Some(IEnumerable<string> names) => names.ToList() is var all && all.Count == 0 ? "none" : string.Join(", ", all.Take(12)) + (all.Count > 12 ? $" and {all.Count - 12} more" : "");

    private static string Escaped(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
}
