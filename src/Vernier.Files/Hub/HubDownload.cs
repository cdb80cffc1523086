using System.Net;
using System.Net.Http.Headers;
using Vernier.Files.Disk;

namespace Vernier.Files.Hub;

/// <summary>Brings one file into the cache. Several ranges are on their way at a time, and are written in order: <c>HASH.incomplete</c> is always the
/// beginning of the file, whatever happens, and the next run goes on from its end.</summary>
/// <param name="arrived">Told how many bytes more are on the disk; fewer where some had to be given up.</param>
internal sealed class HubDownload(HubHttp http, Action<long> arrived)
{
    private const string Incomplete = ".incomplete";

    private HubSettings Settings => http.Settings;

    /// <summary>Bytes of the file that are here from earlier runs.</summary>
    public static long Present(HubFile file, string blob) =>
        File.Exists(blob) ? file.Size : File.Exists(blob + Incomplete) && new FileInfo(blob + Incomplete).Length is var length && length <= file.Size ? length : 0;

    /// <param name="source">Where the hub has it.</param>
    /// <param name="blob">Where it is put when its hash is right.</param>
    /// <exception cref="InvalidDataException">The bytes that came are not those that the hub lists.</exception>
    /// <exception cref="IOException">The hub refuses, the transfer breaks off again and again, or the disk is full.</exception>
    public async Task FetchAsync(HubFile file, Uri source, string blob, CancellationToken cancel)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
        var partial = blob + Incomplete;
        for (var resumed = true; ; resumed = false)
        {
            var (hash, began) = await FillAsync(file, source, partial, resumed, cancel).ConfigureAwait(false);
            if (hash == file.Hash)
            {
                File.Move(partial, blob, overwrite: true);
                return;
            }
            File.Delete(partial);
            arrived(-file.Size);
            if (began == 0)
                throw Damaged.File(HubErrors.Shown(source), "content", $"the hash {hash}", file.Hash);
            // what an earlier run left was not the beginning of this file: once more, from the start
        }
    }

    /// <summary>Makes the partial file whole.</summary>
    /// <returns>The hash of all of it, and how much was there before.</returns>
    private async Task<(string Hash, long Began)> FillAsync(HubFile file, Uri source, string partial, bool resumed, CancellationToken cancel)
    {
        using var output = Open(partial);
        var began = resumed && output.Length <= file.Size ? output.Length : 0;
        output.SetLength(began);
        try
        {
            output.Position = began;
            if (file.Size - began > Settings.ChunkBytes || began > 0)
                await RangesAsync(file, source, output, cancel).ConfigureAwait(false);
            else
                await WholeAsync(file, source, output, cancel).ConfigureAwait(false);
        }
        catch (RangesRefusedException)
        {
            await WholeAsync(file, source, output, cancel).ConfigureAwait(false);
            began = 0;
        }
        output.Flush(flushToDisk: true);
        using var hash = new HubBlobHash(file);
        output.Position = 0;
        hash.Append(output, cancel);
        return (hash.Finish(), began);
    }

    private async Task RangesAsync(HubFile file, Uri source, FileStream output, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var ahead = new Queue<Task<byte[]>>();
        try
        {
            for (var next = output.Position; output.Position < file.Size;)
            {
                while (ahead.Count < Settings.Parallel && next < file.Size)
                {
                    var length = (int)Math.Min(Settings.ChunkBytes, file.Size - next);
                    ahead.Enqueue(RangeAsync(source, next, length, stop.Token));
                    next += length;
                }
                var bytes = await ahead.Dequeue().ConfigureAwait(false);
                output.Write(bytes);
                output.Flush();
                arrived(bytes.Length);
            }
        }
        finally
        {
            stop.Cancel();
            await Task.WhenAll(ahead).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    /// <summary>Bytes [from, from + length) of the file; what broke off goes on where it broke off.</summary>
    private async Task<byte[]> RangeAsync(Uri source, long from, int length, CancellationToken cancel)
    {
        var bytes = new byte[length];
        var (got, attempt) = (0, 0);
        while (got < length)
        {
            var before = got;
            try
            {
                using var response = await http.SendAsync(() => Request(source, from + got, from + length - 1), cancel).ConfigureAwait(false);
                if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.RequestedRangeNotSatisfiable || response.IsSuccessStatusCode && response.Content.Headers.ContentRange?.From != from + got)
                    throw new RangesRefusedException();
                HubErrors.Require(response, Settings, HubErrors.Shown(source));
                await using var content = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
                while (got < length && await ReadAsync(content, bytes.AsMemory(got), cancel).ConfigureAwait(false) is > 0 and var read)
                    got += read;
            }
            catch (Exception e) when (IsBroken(e, cancel))
            {
                // counted below, like a transfer that ends too early
            }
            attempt = got > before ? 1 : attempt + 1;
            if (got < length && attempt > Settings.Retries)
                throw new IOException($"{HubErrors.Shown(source)}: the transfer broke off at byte {from + got} again and again; what is here stays, and the next run goes on from there");
            if (got < length)
                await http.WaitAsync(attempt, null, cancel).ConfigureAwait(false);
        }
        return bytes;
    }

    /// <summary>The whole file by one request: what is small, and what the server does not give in ranges.</summary>
    private async Task WholeAsync(HubFile file, Uri source, FileStream output, CancellationToken cancel)
    {
        var buffer = new byte[1 << 17];
        for (var attempt = 1; ; attempt++)
        {
            arrived(-output.Length);
            output.SetLength(0);
            try
            {
                using var response = await http.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, source), cancel).ConfigureAwait(false);
                HubErrors.Require(response, Settings, HubErrors.Shown(source));
                await using var content = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
                while (output.Length <= file.Size && await ReadAsync(content, buffer, cancel).ConfigureAwait(false) is > 0 and var read)
                {
                    output.Write(buffer.AsSpan(0, read));
                    arrived(read);
                }
                if (output.Length >= file.Size)
                    return; // one byte more shows in the hash
            }
            catch (Exception e) when (IsBroken(e, cancel))
            {
                // once more
            }
            if (attempt > Settings.Retries)
                throw new IOException($"{HubErrors.Shown(source)}: the transfer broke off after {output.Length} of {file.Size} bytes again and again");
            await http.WaitAsync(attempt, null, cancel).ConfigureAwait(false);
        }
    }

    private async ValueTask<int> ReadAsync(Stream content, Memory<byte> buffer, CancellationToken cancel)
    {
        using var stalled = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        stalled.CancelAfter(Settings.StallTimeout);
        return await content.ReadAsync(buffer, stalled.Token).ConfigureAwait(false);
    }

    /// <summary>The network failed, not the disk and not the user.</summary>
    private static bool IsBroken(Exception e, CancellationToken cancel) => !cancel.IsCancellationRequested && e is HttpRequestException or HttpIOException or OperationCanceledException or IOException { InnerException: System.Net.Sockets.SocketException };

    private static HttpRequestMessage Request(Uri source, long from, long to)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, source);
        request.Headers.Range = new RangeHeaderValue(from, to);
        return request;
    }

    private static FileStream Open(string partial)
    {
        try
        {
            return new FileStream(partial, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
        }
        catch (IOException e) when (File.Exists(partial))
        {
            throw new IOException($"{partial}: cannot be opened, perhaps because another process downloads it: {e.Message}", e);
        }
    }

    private sealed class RangesRefusedException : Exception;
}
