using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vernier.Cli.Terminal;
using Vernier.Files.Disk;

namespace Vernier.Cli.Arguments;

/// <summary>The machine-readable result of a verb: one JSON object, field names in snake_case; what is not there is null, never left out; to a file or to stdout (<c>-</c>).</summary>
internal static class JsonResult
{
    private static readonly JsonSerializerOptions Format = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>Writes the result where <paramref name="target"/> says; null = nowhere.</summary>
    public static void Write(string? target, object result)
    {
        if (target is null)
            return;
        var text = JsonSerializer.Serialize(result, result.GetType(), Format);
        if (target == "-")
            Screen.RawOutput.WriteLine(text);
        else
            OutputFile.WriteAllText(target, text + "\n");
    }
}
