using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files.Disk;
using Vernier.Models;
using Vernier.Tokens;

namespace Vernier.Export;

/// <summary>What lies in a model folder beside weights and config.json: the tokenizer, generation_config.json, and the card.</summary>
internal static class FolderExtras
{
    private const string TokenizerConfig = "tokenizer_config.json";
    private const string GenerationConfig = "generation_config.json";
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Files that belong to a tokenizer or to generation and are copied from a source folder as they are.</summary>
    private static readonly string[] CopiedFiles =
    [
        "tokenizer.json", "tokenizer.model", TokenizerConfig, "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "encoder.json", "vocab.bpe",
        "tokenizer.bin", "tekken.json", "chat_template.jinja", GenerationConfig,
    ];

    /// <param name="folder">Where the files are written.</param>
    /// <param name="place">The folder that they will be in. A card that is there and is not of an export stays.</param>
    /// <param name="format">hf, gptq, awq, mlx or native.</param>
    /// <param name="formats">Tensor formats that were written.</param>
    public static void Write(LoadedModel model, string folder, string place, string format, IEnumerable<string> formats, ExportOptions? options)
    {
        WriteTokenizer(model, folder);
        if (model.Source.Kind != SourceKind.HuggingFace)
            File.WriteAllText(Path.Combine(folder, GenerationConfig), Generation(model).ToJsonString(Layout) + "\n");
        var card = Path.Combine(place, "README.md");
        if (!Path.Exists(card) || InputFile.ReadAllText(card).Contains(ExportCard.Mark, StringComparison.Ordinal))
            File.WriteAllText(Path.Combine(folder, "README.md"), ExportCard.Markdown(model, place, format, formats, options ?? new ExportOptions()));
    }

    /// <summary>The source folder's tokenizer files as they are, or a tokenizer.json made from what the source has.</summary>
    private static void WriteTokenizer(LoadedModel model, string folder)
    {
        if (model.Source.Kind == SourceKind.HuggingFace && model.Source.Path is var source)
        {
            if (Path.GetFullPath(source) != Path.GetFullPath(folder))
                foreach (var name in CopiedFiles.Concat(Directory.EnumerateFiles(source, "*.tiktoken").Select(f => Path.GetFileName(f))).Where(n => File.Exists(Path.Combine(source, n))))
                    File.Copy(Path.Combine(source, name), Path.Combine(folder, name), overwrite: true);
        }
        else if (model.LoadedTokenizer is { } tokenizer)
        {
            TokenizerJsonWriter.Write(tokenizer, folder);
        }
        Complete(Path.Combine(folder, TokenizerConfig), model.Config.ContextLength);
    }

    /// <summary>Readers of a bare tokenizer.json need to be told what goes into the model (no token_type_ids, which it would refuse) and how much.</summary>
    private static void Complete(string path, int context)
    {
        if (!File.Exists(path))
            return;
        JsonObject? config;
        try
        {
            config = JsonNode.Parse(File.ReadAllBytes(path)) as JsonObject;
            if (config is null || config["tokenizer_class"] is JsonValue value && value.ToString() is not ("PreTrainedTokenizerFast" or "TokenizersBackend"))
                return; // other classes know it themselves
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return; // copied as it is
        }
        if (!config.TryAdd("model_input_names", new JsonArray("input_ids", "attention_mask")) & !config.TryAdd("model_max_length", context))
            return;
        File.WriteAllText(path, config.ToJsonString(Layout) + "\n");
    }

    private static JsonObject Generation(LoadedModel model)
    {
        var json = new JsonObject();
        if (model.Config.BosTokenId is { } bos)
            json["bos_token_id"] = bos;
        var ends = EndIds(model);
        if (ends.Count > 0)
            json["eos_token_id"] = ends.Count == 1 ? ends[0] : new JsonArray([.. ends.Select(id => (JsonNode)id)]);
        if (model.Config.PaddingTokenId is { } padding)
            json["pad_token_id"] = padding;
        return json;
    }

    /// <summary>Where the tokenizer cannot be read, the ids that the configuration states.</summary>
    private static IReadOnlyList<int> EndIds(LoadedModel model)
    {
        try
        {
            return model.EndIds;
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException)
        {
            return model.Config.EosTokenIds;
        }
    }
}
