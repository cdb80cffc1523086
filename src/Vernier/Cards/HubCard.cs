using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Vernier.Cards;

/// <summary>The YAML header by which the Hugging Face hub reads a README.md, and text of users put into Markdown.</summary>
internal static partial class HubCard
{
    private static readonly JsonSerializerOptions Text = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly string[] Words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

    /// <summary>The header with its fences.</summary>
    /// <param name="baseModel">A repository's name, or what there is of one.</param>
    /// <param name="license">null = not known.</param>
    public static string Header(string? baseModel, string library, IEnumerable<string> tags, string? license)
    {
        var yaml = new StringBuilder("---\n");
        if (!string.IsNullOrEmpty(baseModel))
            yaml.Append($"base_model: {Scalar(baseModel)}\n");
        yaml.Append($"library_name: {Scalar(library)}\npipeline_tag: text-generation\n");
        if (license is not null)
            yaml.Append($"license: {Scalar(license)}\n");
        yaml.Append("tags:\n");
        foreach (var tag in tags)
            yaml.Append($"- {Scalar(tag)}\n");
        return yaml.Append("---\n\n").ToString();
    }

    /// <summary>The tag by which the hub draws its tree of models; none where the name is no repository's.</summary>
    /// <param name="relation">adapter, quantized or finetune.</param>
    public static IEnumerable<string> BaseTag(string? baseModel, string relation) =>
        baseModel is not null && Repository().IsMatch(baseModel) ? [$"base_model:{relation}:{baseModel}"] : [];

    /// <summary>A YAML scalar that every reader takes for this very text.</summary>
    public static string Scalar(string text) =>
        Plain().IsMatch(text) && !Words.Contains(text.ToLowerInvariant()) ? text : JsonSerializer.Serialize(text, Text);

    /// <summary>A name in Markdown as code: on one line, and inside a table too.</summary>
    public static string Code(string text) => $"`{OneLine(text).Replace('`', '\'').Replace("|", "\\|", StringComparison.Ordinal)}`";

    /// <summary>An argument of a shell's command line.</summary>
    public static string Argument(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or ':' or '@' or '+') ? text : $"'{OneLine(text).Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>Control characters become spaces.</summary>
    public static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*$")]
    private static partial Regex Plain();

    [GeneratedRegex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")]
    private static partial Regex Repository();
}
