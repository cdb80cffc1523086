using System.Text.Json;

namespace Vernier.Tuning;

/// <summary><c>result.json</c> of a run's folder: the <see cref="TuneResult"/> of its last session.</summary>
internal static class RunResultFile
{
    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    public static string Text(TuneResult result) => JsonSerializer.Serialize(result, s_json) + "\n";

    /// <summary>null where the run has not come to its end, or left no such file.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static TuneResult? TryRead(string folder)
    {
        var path = Path.Combine(folder, RunFolder.ResultFile);
        if (!File.Exists(path))
            return null;
        try
        {
            return JsonSerializer.Deserialize<TuneResult>(Files.Disk.InputFile.ReadAllBytes(path), s_json);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: line {e.LineNumber + 1}: not the result of a run: {e.Message}", e);
        }
    }
}
