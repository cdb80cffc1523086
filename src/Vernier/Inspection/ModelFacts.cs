using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.HuggingFace;
using Vernier.Files.Packings;
using Vernier.Models;
using Vernier.Tokens;
using Vernier.Tuning;

namespace Vernier.Inspection;

/// <summary>What a file or folder says about the model in it: sizes, tokenizer, template, what can be done with it. Nothing is loaded; what cannot be understood stays null.</summary>
internal static class ModelFacts
{
    public static FileInspection With(this FileInspection inspection, GgufFile file)
    {
        var config = Read(() => GgufConfig.Read(file));
        var model = file.Metadata.FindString("tokenizer.ggml.model");
        var pre = file.Metadata.FindString("tokenizer.ggml.pre");
        var kind = model switch { null => null, "llama" => "SentencePiece BPE", "gpt2" => "byte-level BPE", "bert" => "WordPiece", "t5" => "SentencePiece unigram", _ => model };
        return inspection.With(config, kind is null || pre is null ? kind : $"{kind} ({pre})", file.Metadata.FindString("tokenizer.chat_template")) with
        {
            Vocabulary = config?.VocabularySize,
            Granularities = config is null ? null : Granularities(Forms(file, config)),
            ExportFormats = config is null ? null : ExportFormats(Forms(file, config)),
        };
    }

    public static FileInspection With(this FileInspection inspection, HfFolder folder, IQuantizedFolder? packed)
    {
        var config = Read(() => HuggingFaceConfig.Read(folder.ConfigPath, folder.Config.RootElement));
        var template = Read(() => TokenizerConfig.Read(folder.Path))?.ChatTemplate;
        var forms = packed is null ? [] : packed.Modules.Select(packed.Describe).Select(layout => Form(layout, packed.Method)).ToList();
        return inspection.With(config, Tokenizer(folder.Path), template) with
        {
            Granularities = config is null ? null : Granularities(forms),
            ExportFormats = config is null ? null : ExportFormats(forms),
        };
    }

    private static FileInspection With(this FileInspection inspection, ModelConfig? config, string? tokenizer, string? template) => inspection with
    {
        ContextLength = config?.ContextLength,
        Vocabulary = config?.VocabularySize,
        Tokenizer = tokenizer,
        ChatTemplate = template is null ? null : Family(template),
        ChatTemplateSha256 = template is null ? null : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(template))),
    };

    /// <summary>How a linear's codes are stored.</summary>
    /// <param name="Whole">Zero points are whole numbers.</param>
    /// <param name="Table">Codes stand for the entries of a table.</param>
    /// <param name="Ordered">Groups are not runs of columns.</param>
    /// <param name="Gguf">A GGUF block holds it after its scales were tuned.</param>
    /// <param name="Tunable">Its scales take a factor; not so where they are powers of two.</param>
    /// <param name="FactorGroup">Columns that share a factor.</param>
    private sealed record Stored(int Bits, int Group, int Columns, bool Whole, bool Table, bool Ordered, bool Gguf, bool Tunable, int FactorGroup);

    private static List<Stored> Forms(GgufFile file, ModelConfig config)
    {
        var linears = LinearShape.Of(config).Select(l => l.Name + ".weight").ToHashSet(StringComparer.Ordinal);
        var places = StoredTensors.OfGguf(config);
        return [.. file.Tensors.Where(t => t.Format.Codes is not null && places.Parts(t.Name).Any(p => linears.Contains(p.Name))).Select(t =>
            new Stored(t.Format.Codes!.Bits, t.Format.Codes.GroupSize, (int)t.Columns, t.Format.Name is "Q4_0" or "Q5_0" or "Q8_0", t.Format.Codes.Table is not null, false, t.Format.Codes.Storage == ScaleStorage.Half, t.Format.Codes.Storage == ScaleStorage.Half, t.Format.BlockSize))];
    }

    private static Stored Form(PackedLayout layout, string method)
    {
        var runs = layout.Codebook is null && !layout.ActivationOrder;
        var whole = method is "gptq" or "awq" or "compressed-tensors";
        return new(layout.Bits, layout.GroupSize, layout.Columns, whole, layout.Codebook is not null, layout.ActivationOrder,
            runs && layout.Bits <= 5 && layout.GroupSize % 32 == 0 && layout.Columns % 32 == 0, true, layout.GroupSize);
    }

    private static string[] Granularities(IReadOnlyList<Stored> forms) => forms.Count == 0 || !forms.All(f => f.Tunable) ? []
        : forms.Any(f => f.FactorGroup < f.Columns) ? [.. Enum.GetValues<Granularity>().Select(g => OptionValue.NameOf(g))]
        : [OptionValue.NameOf(Granularity.Channel)];

    private static List<string> ExportFormats(IReadOnlyList<Stored> forms)
    {
        var formats = new List<string>();
        if (forms.All(f => f.Gguf))
            formats.Add("gguf");
        if (forms.Count > 0 && forms.All(f => f.Whole && !f.Table))
            formats.Add("gptq");
        if (forms.Count > 0 && forms.All(f => f is { Whole: true, Table: false, Ordered: false, Bits: <= 4 } && f.Columns % f.Group == 0) && forms.DistinctBy(f => f.Group).Count() == 1)
            formats.Add("awq");
        if (forms.Count > 0 && forms.All(f => f is { Table: false, Ordered: false } && f.Group % 32 == 0 && f.Columns % f.Group == 0))
            formats.Add("mlx");
        formats.AddRange(["hf", "native"]);
        return formats;
    }

    private static string? Tokenizer(string folder)
    {
        var json = Path.Combine(folder, "tokenizer.json");
        if (File.Exists(json))
            return Read(() => JsonKind(json)) ?? "tokenizer.json";
        return File.Exists(Path.Combine(folder, "tokenizer.model")) ? "SentencePiece"
            : File.Exists(Path.Combine(folder, "tokenizer.bin")) ? "SentencePiece BPE"
            : File.Exists(Path.Combine(folder, "vocab.json")) || File.Exists(Path.Combine(folder, "encoder.json")) ? "byte-level BPE"
            : Directory.EnumerateFiles(folder, "*.tiktoken").Any() ? "byte-level BPE (tiktoken)" : null;
    }

    private static string JsonKind(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        var model = json.RootElement.GetProperty("model");
        return model.TryGetProperty("type", out var type) && type.GetString() is { } kind ? kind : model.TryGetProperty("merges", out _) ? "BPE" : "tokenizer.json";
    }

    private static string Family(string template) => template switch
    {
        _ when template.Contains("<|im_start|>", StringComparison.Ordinal) => "chatml",
        _ when template.Contains("<|start_header_id|>", StringComparison.Ordinal) => "llama-3",
        _ when template.Contains("<start_of_turn>", StringComparison.Ordinal) => "gemma",
        _ when template.Contains("[INST]", StringComparison.Ordinal) => "llama-2",
        _ when template.Contains("<｜User｜>", StringComparison.Ordinal) => "deepseek",
        _ when template.Contains("<|end|>", StringComparison.Ordinal) => "phi",
        _ when template.Contains("<|user|>", StringComparison.Ordinal) => "zephyr",
        _ => "other",
    };

    /// <summary>null where the file is no model that is done here.</summary>
    internal static T? Read<T>(Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is InvalidDataException or NotSupportedException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }
}
