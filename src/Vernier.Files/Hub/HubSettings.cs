namespace Vernier.Files.Hub;

/// <summary>Where the hub is and where its files are kept: the environment variables of Hugging Face's own library, with their defaults.</summary>
internal sealed record HubSettings
{
    private static readonly string[] s_true = ["1", "ON", "YES", "TRUE"];

    /// <summary>HF_ENDPOINT.</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>HF_HUB_CACHE; else <c>hub</c> in HF_HOME, which is <c>huggingface</c> in XDG_CACHE_HOME or in <c>.cache</c> of the home.</summary>
    public required string Cache { get; init; }

    /// <summary>HF_TOKEN, else the file of HF_TOKEN_PATH, else <c>token</c> in HF_HOME; null where there is none. Sent to the endpoint's host alone.</summary>
    public string? Token { get; init; }

    /// <summary>HF_HUB_OFFLINE: nothing is asked of the network.</summary>
    public bool Offline { get; init; }

    /// <summary>Requests of one file at a time.</summary>
    public int Parallel { get; init; } = 4;

    /// <summary>Bytes of one request; as many for each of them wait in memory until their turn comes to be written.</summary>
    public int ChunkBytes { get; init; } = 4 << 20;

    /// <summary>Times that a request is sent again after it failed.</summary>
    public int Retries { get; init; } = 5;

    /// <summary>The wait before the first repetition; it doubles from one to the next.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A transfer that brings nothing for so long has broken off.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The settings of this process.</summary>
    /// <exception cref="InvalidDataException">HF_ENDPOINT is no address.</exception>
    public static HubSettings FromEnvironment() => From(Environment.GetEnvironmentVariable);

    /// <param name="variable">The value of a variable; null or empty where it is not set.</param>
    /// <inheritdoc cref="FromEnvironment"/>
    public static HubSettings From(Func<string, string?> variable)
    {
        var home = Set("HF_HOME") ?? Path.Combine(Set("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "huggingface");
        var endpoint = Set("HF_ENDPOINT") ?? "https://huggingface.co";
        if (!Uri.TryCreate(endpoint.TrimEnd('/'), UriKind.Absolute, out var address) || address.Scheme is not ("https" or "http") || address.UserInfo.Length > 0)
            throw new InvalidDataException("HF_ENDPOINT: found what is no address, expected one such as https://huggingface.co");
        return new HubSettings
        {
            Endpoint = address,
            Cache = Path.GetFullPath(Set("HF_HUB_CACHE") ?? Set("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(home, "hub")),
            Token = Set("HF_TOKEN") ?? Set("HUGGING_FACE_HUB_TOKEN") ?? ReadToken(Set("HF_TOKEN_PATH") ?? Path.Combine(home, "token")),
            Offline = s_true.Contains((Set("HF_HUB_OFFLINE") ?? Set("TRANSFORMERS_OFFLINE") ?? "").ToUpperInvariant()),
        };

        string? Set(string name) => variable(name)?.Trim() is { Length: > 0 } value ? value : null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Endpoint}"; // the token is in no message

    private static string? ReadToken(string path)
    {
        try
        {
            return File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } token ? token : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // what is public needs none
        }
    }
}
