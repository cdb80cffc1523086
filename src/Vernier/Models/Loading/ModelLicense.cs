using System.Text.RegularExpressions;
using Vernier.Cards;
using Vernier.Files.Gguf;

namespace Vernier.Models;

/// <summary>The license that a model states.</summary>
internal static partial class ModelLicense
{
    private const int MostReadmeBytes = 1 << 20;

    /// <summary>The license that stands in the header of its folder's README.md, or in a GGUF file's metadata; null where there is none.</summary>
    public static string? Of(ModelSource source)
    {
        if (source.Gguf is { } file)
            return file.Metadata.TryGet("general.license", out var stated) && stated.Type == GgufValueType.String ? HubCard.OneLine(stated.AsString()) : null;
        var readme = Path.Combine(source.Path, "README.md");
        if (source.Kind != SourceKind.HuggingFace || !File.Exists(readme) || new FileInfo(readme).Length > MostReadmeBytes)
            return null;
        var lines = File.ReadLines(readme).Select(l => l.TrimEnd()).ToList();
        if (lines.Count == 0 || lines[0] != "---")
            return null;
        return lines.Skip(1).TakeWhile(l => l != "---").Select(l => LicenseLine().Match(l)).FirstOrDefault(m => m.Success)?.Groups[1].Value;
    }

    [GeneratedRegex("""^license:\s*["']?([A-Za-z0-9][A-Za-z0-9_.-]*)["']?$""")]
    private static partial Regex LicenseLine();
}
