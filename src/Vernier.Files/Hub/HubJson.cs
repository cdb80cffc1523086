using System.Text.Json;
using Vernier.Files.Disk;

namespace Vernier.Files.Hub;

/// <summary>The hub's answers, which come from outside as files do.</summary>
internal static class HubJson
{
    /// <summary>The JSON of an answer.</summary>
    /// <param name="place">For messages.</param>
    /// <param name="most">Bytes at most.</param>
    /// <exception cref="InvalidDataException">Not JSON, or longer.</exception>
    public static async Task<JsonDocument> ReadAsync(HttpResponseMessage response, string place, long most, CancellationToken cancel)
    {
        await using var content = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        var bytes = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int read; (read = await content.ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0;)
        {
            bytes.Write(buffer.AsSpan(0, read));
            if (bytes.Length > most)
                throw Damaged.File(place, "the hub's answer", $"more than {most} bytes", "a list");
        }
        try
        {
            return JsonDocument.Parse(bytes.GetBuffer().AsMemory(0, (int)bytes.Length));
        }
        catch (JsonException e)
        {
            throw Damaged.File(place, "the hub's answer", "text that is not JSON", "JSON", e);
        }
    }

    public static string Text(JsonElement json, string field, string place) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw Damaged.File(place, "the hub's answer", $"no text '{field}'", "one");

    public static long Size(JsonElement json, string field, string place) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var size) && size >= 0
            ? size
            : throw Damaged.File(place, "the hub's answer", $"no size '{field}'", "one");
}
