using System.Net;
using System.Net.Http.Headers;

namespace Vernier.Files.Hub;

/// <summary>Requests to the hub and to where it sends on: repeated where that helps, and the token goes to the hub's own host alone.</summary>
internal sealed class HubHttp : IDisposable
{
    private const int MostRedirects = 10;
    private static readonly TimeSpan MostWait = TimeSpan.FromMinutes(5);

    private readonly HttpClient _client;

    public HubHttp(HubSettings settings)
    {
        Settings = settings;
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(15), MaxConnectionsPerServer = 16 }) { Timeout = Timeout.InfiniteTimeSpan };
        _client.DefaultRequestHeaders.UserAgent.ParseAdd($"vernier/{typeof(HubHttp).Assembly.GetName().Version?.ToString(3)}");
    }

    public HubSettings Settings { get; }

    /// <summary>An address below the hub's.</summary>
    public Uri At(string path) => new(Settings.Endpoint.ToString().TrimEnd('/') + path);

    /// <summary>Sends until there is an answer that another try would not change; redirects are followed.</summary>
    /// <param name="create">Makes the request, anew for every try; without the token.</param>
    /// <returns>The headers have come, the content not yet.</returns>
    /// <exception cref="IOException">No answer came.</exception>
    public async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> create, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            TimeSpan? wait = null;
            try
            {
                var response = await FollowAsync(create, cancel).ConfigureAwait(false);
                if (!MayPass(response.StatusCode) || attempt > Settings.Retries)
                    return response;
                wait = RetryAfter(response);
                response.Dispose();
            }
            catch (HttpRequestException e)
            {
                if (attempt > Settings.Retries)
                    throw new IOException($"{Settings.Endpoint}: cannot be reached: {e.Message}", e);
            }
            await WaitAsync(attempt, wait, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>The wait before the next try: what the server asks for, else a time that doubles.</summary>
    public Task WaitAsync(int attempt, TimeSpan? asked, CancellationToken cancel)
    {
        var wait = asked ?? Settings.RetryDelay * Math.Pow(2, Math.Min(attempt, 6) - 1);
        return Task.Delay(wait < MostWait ? wait : MostWait, cancel);
    }

    public void Dispose() => _client.Dispose();

    private async Task<HttpResponseMessage> FollowAsync(Func<HttpRequestMessage> create, CancellationToken cancel)
    {
        Uri? target = null;
        for (var hop = 0; hop <= MostRedirects; hop++)
        {
            using var request = create();
            request.RequestUri = target ?? request.RequestUri!;
            if (Settings.Token is { } token && IsHub(request.RequestUri))
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location)
                return response;
            response.Dispose();
            target = new Uri(request.RequestUri, location);
            if (target.Scheme is not ("https" or "http") || request.RequestUri.Scheme == "https" && target.Scheme != "https")
                throw new IOException($"{HubErrors.Shown(request.RequestUri)}: sends on to an address without encryption ({target.Scheme}://{target.Host})");
        }
        throw new IOException($"{Settings.Endpoint}: sends on more than {MostRedirects} times");
    }

    private bool IsHub(Uri address) => address.Scheme == Settings.Endpoint.Scheme && address.Host == Settings.Endpoint.Host && address.Port == Settings.Endpoint.Port;

    private static bool MayPass(HttpStatusCode status) => status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout || (int)status >= 500;

    private static TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - DateTimeOffset.UtcNow is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero,
        _ => null,
    };
}
