using System.Globalization;
using System.Text;
using Vernier.Adapters;
using Vernier.Cards;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>The README.md of an exported folder. No absolute path stands in it.</summary>
internal static class ExportCard
{
    /// <summary>By which a card of ours is known.</summary>
    public const string Mark = "Written by Vernier ";

    public static string Markdown(LoadedModel model, string name, string format, IEnumerable<string> formats, ExportOptions options)
    {
        var path = model.Source.Path;
        var baseModel = options.BaseModel ?? (path.Length == 0 ? null : PublicPath.HubName(path) ?? PublicPath.Name(path));
        var packed = model.Decoder.Linears.Where(l => l.Weight is PackedMatrix).ToList();
        var card = new StringBuilder(HubCard.Header(baseModel, Library(format), Tags(format, baseModel, packed.Count > 0 && format != "hf"), ModelLicense.Of(model.Source)));
        Line($"# {HubCard.Code(PublicPath.Name(name))}");
        Line($"");
        Line($"{Mark}{AdapterConfig.ToolVersion} as `{format}`{(baseModel is null ? "" : $" from {HubCard.Code(baseModel)}")}.");
        if (options.Adapter is { } adapter)
            Line($"The {adapter.Method} adapter {HubCard.Code(adapter.Name)} is merged into it.");
        Line($"");
        Line($"| | |\n|---|---|");
        Line($"| architecture | {model.Config.Architecture} |");
        Line($"| parameters | {model.ParameterCount} |");
        Line($"| tensors | {string.Join(", ", formats)} |");
        if (format != "hf" && packed.Count > 0)
        {
            Line($"| linear layers with integer codes | {packed.Count} of {model.Decoder.Linears.Count} |");
            Line($"| SHA-256 of all codes | `{model.CodesSha256()}` |");
        }
        if (format == "hf" && packed.Count > 0)
            Line($"\nThe source holds integer codes; the weights here are those codes dequantized.");
        return card.ToString();

        void Line(FormattableString text) => card.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private static string Library(string format) => format switch
    {
        "mlx" => "mlx",
        "native" => "vernier",
        _ => "transformers",
    };

    private static IEnumerable<string> Tags(string format, string? baseModel, bool quantized)
    {
        yield return "vernier";
        if (format is not ("hf" or "native"))
            yield return format;
        foreach (var tag in HubCard.BaseTag(baseModel, quantized ? "quantized" : "finetune"))
            yield return tag;
    }
}
