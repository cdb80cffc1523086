using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Vernier.Data;
using Vernier.Files;
using Vernier.Tuning;
using Vernier.Tuning.Methods;

namespace Vernier.Adapters;

/// <summary>What <c>adapter_config.json</c> says: which method made the adapter, how, and on which codes. LoRA's own keys stand where
/// Hugging Face PEFT expects them; everything else stands in the object <c>vernier</c>, which PEFT passes over.</summary>
public sealed record AdapterConfig
{
    internal const string FileName = "adapter_config.json";

    private const int MaxBytes = 1 << 24; // a list of all modules of a large model has less

    /// <summary>Version of this library.</summary>
    public static string ToolVersion { get; } = typeof(AdapterConfig).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    /// <summary>The options that made the adapter: method, bits, group, scheme, granularity, rank, alpha, targets and the rest.</summary>
    public required TuneOptions Options { get; init; }

    /// <summary>Path or name of the model that was tuned.</summary>
    public string? BaseModel { get; init; }

    /// <summary>SHA-256 of the model's codes before any quantization by the run; null where nothing was quantized.</summary>
    public string? BaseCodesSha256 { get; init; }

    /// <summary>SHA-256 of the codes that were tuned on; null where nothing was quantized.</summary>
    public string? TunedCodesSha256 { get; init; }

    /// <summary>The form of the prompts that it was tuned on; null where it is not known, or was not one.</summary>
    public PromptForm? Prompt { get; init; }

    /// <summary>Version of Vernier that wrote it; null for an adapter made elsewhere.</summary>
    public string? Version { get; init; }

    /// <summary>LoRA's tensors and keys are PEFT's.</summary>
    internal static bool IsPeft(string method) => method is "lora" or "qlora";

    /// <param name="targetModules">Modules with adapters, for PEFT.</param>
    internal string ToJson(IReadOnlyList<string> targetModules)
    {
        var peft = IsPeft(Options.Method);
        var json = new JsonObject
        {
            ["peft_type"] = peft ? "LORA" : Options.Method.ToUpperInvariant(),
            ["task_type"] = "CAUSAL_LM",
            ["base_model_name_or_path"] = BaseModel,
            ["inference_mode"] = true,
        };
        if (peft)
        {
            json["r"] = Options.Rank;
            json["lora_alpha"] = Options.Alpha;
            json["rank_pattern"] = Pattern(Options.RankPattern);
            json["alpha_pattern"] = Pattern(Options.AlphaPattern);
            json["lora_dropout"] = Options.Dropout;
            json["init_lora_weights"] = true;
            json["layers_to_transform"] = null;
            json["layers_pattern"] = null;
            json["target_modules"] = new JsonArray([.. targetModules.Select(m => (JsonNode)m)]);
            json["bias"] = "none";
            json["fan_in_fan_out"] = false;
            json["use_rslora"] = false;
            json["use_dora"] = false;
            json["modules_to_save"] = null;
        }
        if (peft && Version is null)
            return Text(json); // made elsewhere, and stays so
        json["vernier"] = new JsonObject
        {
            ["version"] = ToolVersion,
            ["method"] = Options.Method,
            ["base_codes_sha256"] = BaseCodesSha256,
            ["tuned_codes_sha256"] = TunedCodesSha256,
            [PromptRecord.Key] = PromptRecord.ToJson(Prompt),
            ["options"] = new JsonObject(RunFile.Values(Options).Select(o => KeyValuePair.Create(o.Name, (JsonNode?)o.Value))),
        };
        return Text(json);

        static string Text(JsonObject json) =>
            json.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n";
    }

    /// <exception cref="InvalidDataException">Not JSON, or a field is missing or of the wrong kind.</exception>
    internal static AdapterConfig Read(string path)
    {
        try
        {
            using var json = JsonFile.Parse(path, MaxBytes);
            var root = json.RootElement;
            var config = root.TryGetProperty("vernier", out var own) ? ReadOwn(path, root, own) : ReadPeft(path, root);
            TuningMethods.Find(OptionRules.Check(config.Options).Method);
            return config;
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
        {
            throw new InvalidDataException($"{path}: not the configuration of an adapter: {e.Message}", e);
        }
    }

    private static AdapterConfig ReadOwn(string path, JsonElement root, JsonElement own)
    {
        var settings = own.GetProperty("options").EnumerateObject().Select(o => YamlSettings.ReadValue(path, o.Name, o.Value.GetString() ?? "")).ToList();
        return new AdapterConfig
        {
            Options = RunFile.Of(path, settings).Options,
            BaseModel = Text(root, "base_model_name_or_path"),
            BaseCodesSha256 = Text(own, "base_codes_sha256"),
            TunedCodesSha256 = Text(own, "tuned_codes_sha256"),
            Prompt = PromptRecord.Read(own),
            Version = Text(own, "version"),
        };
    }

    private static AdapterConfig ReadPeft(string path, JsonElement root)
    {
        if (Text(root, "peft_type") is var type && type != "LORA")
            throw new NotSupportedException($"{path}: peft_type {type ?? "is missing"}; adapters of type LORA and Vernier's own are read");
        foreach (var name in (string[])["use_dora", "fan_in_fan_out", "lora_bias"])
            if (root.TryGetProperty(name, out var set) && set.ValueKind == JsonValueKind.True)
                throw new NotSupportedException($"{path}: {name} is set; such adapters are not read");
        if (root.TryGetProperty("modules_to_save", out var modules) && modules.ValueKind == JsonValueKind.Array && modules.GetArrayLength() > 0)
            throw new NotSupportedException($"{path}: modules_to_save holds whole modules; such adapters are not read");
        var rank = root.GetProperty("r").GetInt32();
        var alpha = root.GetProperty("lora_alpha").GetSingle();
        var (ranks, alphas) = (Pattern(path, root, "rank_pattern"), Pattern(path, root, "alpha_pattern"));
        if (root.TryGetProperty("use_rslora", out var rs) && rs.ValueKind == JsonValueKind.True)
        {
            if (ranks is not null || alphas is not null)
                throw new NotSupportedException($"{path}: use_rslora together with rank_pattern or alpha_pattern is not read");
            alpha *= MathF.Sqrt(rank); // its scaling is alpha / sqrt(r)
        }
        return new AdapterConfig
        {
            Options = new TuneOptions { Method = "lora", Rank = rank, Alpha = alpha, RankPattern = ranks, AlphaPattern = alphas, Targets = Targets(root.GetProperty("target_modules")) },
            BaseModel = Text(root, "base_model_name_or_path"),
        };
    }

    /// <summary>PEFT takes a list of module names or ends of them, a regular expression, or <c>all-linear</c>.</summary>
    private static string Targets(JsonElement modules) => modules.ValueKind switch
    {
        JsonValueKind.Array => $@"^(.*\.)?({string.Join('|', modules.EnumerateArray().Select(m => Regex.Escape(m.GetString()!)))})$",
        _ => modules.GetString() is { } text && text != "all-linear" ? $"^({text})$" : "all",
    };

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static JsonObject Pattern(string? text) =>
        new(ModulePatterns.Parse(text, "pattern").Select(p => KeyValuePair.Create(p.Pattern, (JsonNode?)(p.Value == (int)p.Value ? JsonValue.Create((int)p.Value) : JsonValue.Create(p.Value)))));

    private static string? Pattern(string path, JsonElement root, string name)
    {
        if (!root.TryGetProperty(name, out var pattern) || pattern.ValueKind != JsonValueKind.Object || !pattern.EnumerateObject().Any())
            return null;
        if (pattern.EnumerateObject().FirstOrDefault(p => p.Name.Contains(';', StringComparison.Ordinal)) is { Value.ValueKind: not JsonValueKind.Undefined } bad)
            throw new NotSupportedException($"{path}: {name}: the expression '{bad.Name}' has a semicolon; such expressions are not read");
        return string.Join(';', pattern.EnumerateObject().Select(p => $"{p.Name}={p.Value.GetRawText()}"));
    }
}
