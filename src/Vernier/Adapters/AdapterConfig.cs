using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Vernier.Data;
using Vernier.Files.Disk;
using Vernier.Tuning;

namespace Vernier.Adapters;

/// <summary>Which method made an adapter, how, and on which codes. <c>adapter_config.json</c> holds what Hugging Face PEFT knows and nothing else;
/// everything of Vernier's own stands in <c>vernier.json</c> beside it (older folders: in the object <c>vernier</c> of the first).</summary>
public sealed record AdapterConfig
{
    internal const string FileName = "adapter_config.json";

    /// <summary>What PEFT does not know.</summary>
    internal const string OwnFileName = "vernier.json";

    private const string OwnKey = "vernier"; // of older folders
    private const string AllowUnexportable = "allow-unexportable";
    private const int MaxBytes = 1 << 24; // a list of all modules of a large model has less

    /// <summary>Version of this library.</summary>
    public static string ToolVersion { get; } = typeof(AdapterConfig).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    /// <summary>The options that made the adapter: method, bits, group, scheme, granularity, rank, alpha, targets and the rest.</summary>
    public required TuneOptions Options { get; init; }

    /// <summary>Name of the model that was tuned: that of a repository, or a folder or file, never an absolute path.</summary>
    public string? BaseModel { get; init; }

    /// <summary>What PEFT's users can open: a repository's name or a folder; null for a model that is one file.</summary>
    public string? PeftBaseModel { get; init; }

    /// <summary>SHA-256 of the model's codes before any quantization by the run; null where nothing was quantized.</summary>
    public string? BaseCodesSha256 { get; init; }

    /// <summary>SHA-256 of the codes that were tuned on; null where nothing was quantized.</summary>
    public string? TunedCodesSha256 { get; init; }

    /// <summary>The form of the prompts that it was tuned on; null where it is not known, or was not one.</summary>
    public PromptForm? Prompt { get; init; }

    /// <summary>Version of Vernier that wrote it; null for an adapter made elsewhere.</summary>
    public string? Version { get; init; }

    /// <param name="targetModules">Modules with adapters, for PEFT.</param>
    internal string ToJson(IReadOnlyList<string> targetModules)
    {
        var peft = TuningMethods.Of(Options).PeftType;
        var json = new JsonObject
        {
            ["peft_type"] = peft ?? Options.Method.ToUpperInvariant(),
            ["task_type"] = "CAUSAL_LM",
            ["base_model_name_or_path"] = PeftBaseModel,
            ["inference_mode"] = true,
        };
        if (peft is not null)
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
        return Text(json);
    }

    /// <summary>The content of <see cref="OwnFileName"/>; null for an adapter made elsewhere, which stays so.</summary>
    internal string? ToOwnJson() => TuningMethods.Of(Options).PeftType is not null && Version is null ? null : Text(new JsonObject
    {
        ["version"] = ToolVersion,
        ["method"] = Options.Method,
        ["base_model"] = BaseModel,
        ["base_codes_sha256"] = BaseCodesSha256,
        ["tuned_codes_sha256"] = TunedCodesSha256,
        [PromptRecord.Key] = PromptRecord.ToJson(Prompt),
        ["options"] = new JsonObject(RunFile.Values(Options).Select(o => KeyValuePair.Create(o.Name, (JsonNode?)o.Value))),
    });

    private static string Text(JsonObject json) =>
        json.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n";

    /// <param name="path">The path of adapter_config.json.</param>
    /// <exception cref="InvalidDataException">Not JSON, or a field is missing or of the wrong kind.</exception>
    internal static AdapterConfig Read(string path) => Parse(path, root =>
    {
        var ownPath = Path.Combine(Path.GetDirectoryName(path) ?? "", OwnFileName);
        if (File.Exists(ownPath))
            return Parse(ownPath, own => ReadOwn(ownPath, root, own));
        return root.TryGetProperty(OwnKey, out var inside) ? ReadOwn(path, root, inside) : ReadPeft(path, root);
    });

    private static AdapterConfig Parse(string path, Func<JsonElement, AdapterConfig> read)
    {
        try
        {
            using var json = JsonFile.Parse(path, MaxBytes);
            var config = read(json.RootElement);
            TuningMethods.Of(OptionRules.Check(config.Options));
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
        var run = RunFile.Of(path, settings);
        return new AdapterConfig
        {
            // Older adapters of peqa have a factor for every group, also where the file has one fp16 scale for several, and of all linears whatever their targets.
            Options = run.Set.Contains(AllowUnexportable) ? run.Options : run.Options with { AllowUnexportable = true, Targets = TuningMethods.Of(run.Options).TakesTables ? null : run.Options.Targets },
            BaseModel = Text(own, "base_model") ?? Text(root, "base_model_name_or_path"),
            PeftBaseModel = Text(root, "base_model_name_or_path"),
            BaseCodesSha256 = Text(own, "base_codes_sha256"),
            TunedCodesSha256 = Text(own, "tuned_codes_sha256"),
            Prompt = PromptRecord.Read(own),
            Version = Text(own, "version"),
        };
    }

    private static AdapterConfig ReadPeft(string path, JsonElement root)
    {
        if (Text(root, "peft_type") is var type && (type is null || TuningMethods.All.FirstOrDefault(m => m.PeftType == type) is not { } method))
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
            Options = new TuneOptions { Method = method.Name, Rank = rank, Alpha = alpha, RankPattern = ranks, AlphaPattern = alphas, Targets = Targets(root.GetProperty("target_modules")) },
            BaseModel = Text(root, "base_model_name_or_path"),
            PeftBaseModel = Text(root, "base_model_name_or_path"),
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
