using System.Net;

namespace Vernier.Files.Hub;

/// <summary>Answers of the hub that are none of what was asked for, in words that say what can be done. No message holds a token or the signature of an address.</summary>
internal static class HubErrors
{
    private const int MostText = 200;

    /// <summary>Refuses an answer that is no success.</summary>
    /// <param name="what">What was asked for, e.g. <c>OWNER/NAME</c>.</param>
    /// <exception cref="IOException">Says what the hub answered and what can be done.</exception>
    public static void Require(HttpResponseMessage response, HubSettings settings, string what)
    {
        if (response.IsSuccessStatusCode)
            return;
        var code = Header(response, "X-Error-Code");
        throw new IOException($"{what}: {Reason(response.StatusCode, code, settings, what)}{Told(response)}");
    }

    /// <summary>An address without its query, which may hold a signature.</summary>
    public static string Shown(Uri? address) => address is null ? "the hub" : address.GetLeftPart(UriPartial.Path);

    private static string Reason(HttpStatusCode status, string? code, HubSettings settings, string what) => (status, code) switch
    {
        (_, "GatedRepo") => $"the repository is gated: accept its conditions at {settings.Endpoint.ToString().TrimEnd('/')}/{string.Join('/', what.Split('/', '@').Take(2))}, and {(settings.Token is null ? "set HF_TOKEN to a token of that account" : "use a token of an account that has")}",
        (HttpStatusCode.Unauthorized, _) => settings.Token is null
            ? "there is no such repository, or it is private: set HF_TOKEN to a token that may read it"
            : "the token is not accepted, or there is no such repository: check the name and HF_TOKEN",
        (HttpStatusCode.Forbidden, _) => settings.Token is null ? "access is refused: set HF_TOKEN to a token that has it" : "access is refused: the token lacks the right",
        (HttpStatusCode.NotFound, "RevisionNotFound") => "there is no such revision",
        (HttpStatusCode.NotFound, "EntryNotFound") => "there is no such file",
        (HttpStatusCode.NotFound, _) => "there is no such repository, revision or file",
        (HttpStatusCode.TooManyRequests, _) => "the hub asks to send fewer requests (429), and still did after waiting",
        ( >= HttpStatusCode.InternalServerError, _) => $"the hub fails ({(int)status}), and still did after waiting",
        _ => $"the hub answers {(int)status}",
    };

    private static string Told(HttpResponseMessage response) =>
        Header(response, "X-Error-Message") is { Length: > 0 } text ? $" ({(text.Length > MostText ? text[..MostText] + "..." : text)})" : "";

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
}
