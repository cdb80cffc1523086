using System.Text.RegularExpressions;
using Vernier.Cards;
using Vernier.Data;
using Vernier.Files.Disk;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Adapters;

/// <summary>What a tuning run learned, apart from the model: the folder with <c>adapter_config.json</c>, <c>vernier.json</c> and <c>adapter_model.safetensors</c>.</summary>
public sealed class Adapter
{
    private const string TensorsFile = "adapter_model.safetensors";
    private const string PeftPrefix = "base_model.model.";
    private const string PeftFactor = ".lora_A.weight";

    private readonly IReadOnlyList<string> _modules;

    /// <param name="modules">All linears of the model, tuned or not; empty where they are not known.</param>
    internal Adapter(AdapterConfig config, IReadOnlyDictionary<string, AdapterTensor> tensors, IReadOnlyList<string>? modules = null)
    {
        Config = config;
        Tensors = tensors;
        _modules = modules ?? [];
    }

    /// <summary>What made it: method, options, base model, hashes of the codes.</summary>
    public AdapterConfig Config { get; }

    /// <summary>By name; for LoRA the names that PEFT gives them.</summary>
    public IReadOnlyDictionary<string, AdapterTensor> Tensors { get; }

    /// <summary>The adapter that a decoder holds now.</summary>
    internal static Adapter Of(TuningMethod method, Decoder decoder, TuneOptions options, string baseModel, string? baseCodes, string? tunedCodes, PromptForm? prompt = null)
    {
        var name = options.BaseModel ?? PublicPath.HubName(baseModel);
        var config = new AdapterConfig
        {
            Options = options,
            BaseModel = name ?? PublicPath.OrName(baseModel),
            PeftBaseModel = name ?? (baseModel.Length == 0 || File.Exists(baseModel) ? null : PublicPath.OrName(baseModel)),
            BaseCodesSha256 = baseCodes,
            TunedCodesSha256 = tunedCodes,
            Prompt = prompt,
            Version = AdapterConfig.ToolVersion,
        };
        return new(config, method.AdapterTensors(decoder).ToDictionary(t => t.Name, StringComparer.Ordinal), [.. decoder.Linears.Select(l => l.Name)]);
    }

    /// <summary>Writes the files; each is written beside and renamed, so that a folder never holds half a file.</summary>
    /// <exception cref="IOException">The disk is full or the folder cannot be written.</exception>
    public void Save(string folder)
    {
        Directory.CreateDirectory(folder);
        TensorFile.Write(Path.Combine(folder, TensorsFile), Tensors.Values);
        var own = Path.Combine(folder, AdapterConfig.OwnFileName);
        if (Config.ToOwnJson() is { } text)
            OutputFile.WriteAllText(own, text);
        else
            File.Delete(own); // what is there would be of another adapter
        OutputFile.WriteAllText(Path.Combine(folder, AdapterConfig.FileName), Config.ToJson(TargetModules()));
    }

    /// <summary>Reads a folder.</summary>
    /// <exception cref="InvalidDataException">A file is damaged, or is none of an adapter: path, place, found and expected.</exception>
    /// <exception cref="IOException">A file is missing.</exception>
    public static Adapter Load(string folder)
    {
        var config = AdapterConfig.Read(Path.Combine(folder, AdapterConfig.FileName));
        return new(config, TuningMethods.Of(config.Options).Current(TensorFile.ReadAll(Path.Combine(folder, TensorsFile))), []);
    }

    /// <summary>Puts the adapter into a model's base: quantizes again where the run did, replaces the linears by the method's and loads the tensors.
    /// The model then computes what was tuned; <see cref="Merge(LoadedModel, CancellationToken)"/> makes plain linears of it. What tuning or another adapter left in the model
    /// is taken away first, as by <see cref="LoadedModel.Reset"/>; after a failure the model has its base.</summary>
    /// <exception cref="InvalidDataException">The adapter belongs to another base (both hashes are named), or does not fit its layers.</exception>
    /// <exception cref="InvalidOperationException">A <see cref="TaskSwitch"/> is in use, or another caller tunes the model.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the next call begins with the base again.</exception>
    public void ApplyTo(LoadedModel model, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var work = new WorkLease(model.Decoder, model.Compute, cancel, changes: true);
        model.ToBase();
        try
        {
            ApplyTo(model.Decoder, model.Compute, model.Source.Path, () => model.CodesSha256(cancel));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            model.ToBase();
            throw;
        }
    }

    /// <summary>Replaces the method's linears by plain ones that compute the tuned model, as far as that is exact.</summary>
    public void Merge(LoadedModel model, CancellationToken cancel = default)
    {
        using var work = new WorkLease(model.Decoder, model.Compute, cancel, changes: true);
        Merge(model.Decoder, model.Compute);
    }

    /// <summary>Merges for a model that will only be run. With integer arithmetic, tuned scales of single groups are rounded to fp16 where the base's were fp16 and
    /// codes are in groups of 32 (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0), which is what their GGUF file stores: they are read as fast as the base's, in half the memory, and the layer
    /// computes what it does in the exported file. A layer with a scale that fp16 holds badly stays as it is (<see cref="TunedScales.Rounded"/>), and with fp32 arithmetic all do.</summary>
    public void MergeForInference(LoadedModel model, CancellationToken cancel = default)
    {
        using var work = new WorkLease(model.Decoder, model.Compute, cancel, changes: true);
        MergeForInference(model.Decoder, model.Compute);
    }

    /// <summary>Puts the adapter into a decoder: quantizes again where the run did, replaces the linears by the method's and loads the tensors.
    /// The decoder then computes the tuned model.</summary>
    /// <param name="codesSha256">Hash of the codes that the decoder holds now; null where none are quantized.</param>
    /// <exception cref="InvalidDataException">The adapter belongs to another base (both hashes are named), or does not fit its layers.</exception>
    internal void ApplyTo(Decoder decoder, Compute compute, string model, Func<string?> codesSha256)
    {
        var options = Config.Options;
        var codes = codesSha256();
        if (codes is not null && codes == Config.TunedCodesSha256)
            options = options with { Bits = null }; // the model holds the codes that were tuned on
        else if (codes != Config.BaseCodesSha256 && Config.Version is not null)
            throw OfAnotherBase(model, Config.BaseCodesSha256, codes);
        var method = TuningMethods.Of(options);
        if (Config.Version is null) // made elsewhere: layers_to_transform, exclude_modules and all-linear come to the modules that the file names
            options = options with { Targets = $"^({string.Join('|', TunedModules().Select(Regex.Escape))})$" };
        RequireRanks(options);
        try
        {
            method.Apply(decoder, options, compute);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{model}: the adapter does not fit: {e.Message}", e);
        }
        if (Config.TunedCodesSha256 is { } tuned && codesSha256() is var made && made != tuned)
            throw OfAnotherBase(model, tuned, made);
        method.LoadAdapter(decoder, Tensors);
    }

    /// <summary>A rank is a size of some tensor: factors are made only as large as those that are there.</summary>
    private void RequireRanks(TuneOptions options)
    {
        if (!TuningMethods.Of(options).HasRank(options))
            return;
        var largest = Tensors.Values.SelectMany(t => t.Shape).DefaultIfEmpty(0).Max();
        float[] ranks = [options.Rank, .. ModulePatterns.Parse(options.RankPattern, "rank-pattern").Select(p => p.Value)];
        if (ranks.Max() > largest)
            throw new InvalidDataException(FormattableString.Invariant($"{AdapterConfig.FileName}: found a rank of {ranks.Max()}, expected a size of the tensors in {TensorsFile}, at most {largest}"));
    }

    /// <summary>Replaces the method's linears by plain ones that compute the tuned model.</summary>
    internal void Merge(Decoder decoder, Compute compute) => TuningMethods.Of(Config.Options).Merge(decoder);

    /// <inheritdoc cref="MergeForInference(LoadedModel, CancellationToken)"/>
    internal void MergeForInference(Decoder decoder, Compute compute)
    {
        Merge(decoder, compute);
        if (compute.Mode == ComputeMode.Int8)
            decoder.ReplaceLinears(Rounded);

        static Linear Rounded(Linear linear)
        {
            if (linear is not FrozenLinear { Weight: PackedMatrix weight } || weight.WithRoundedScales() is not { } rounded)
                return linear;
            weight.Dispose();
            return new FrozenLinear(linear.Name, rounded, linear.Bias);
        }
    }

    internal static InvalidDataException OfAnotherBase(string model, string? expected, string? found) =>
        new($"{model}: the adapter was tuned on another model: its codes have SHA-256 {expected ?? "none (not quantized)"}, this model's {found ?? "none (not quantized)"}");

    /// <summary>The last parts of the names of the tuned modules, or the whole names where a module of that last part is left alone or not known.</summary>
    private List<string> TargetModules()
    {
        var tuned = TunedModules();
        var leaves = tuned.Select(Leaf).Distinct().Order(StringComparer.Ordinal).ToList();
        return _modules.Count == 0 || _modules.Any(m => leaves.Contains(Leaf(m)) && !tuned.Contains(m)) ? [.. tuned.Order(StringComparer.Ordinal)] : leaves;
    }

    /// <summary>Whole names of the modules that have factors by PEFT's names.</summary>
    private HashSet<string> TunedModules() => Tensors.Keys.Where(k => k.StartsWith(PeftPrefix, StringComparison.Ordinal) && k.EndsWith(PeftFactor, StringComparison.Ordinal))
        .Select(k => k[PeftPrefix.Length..^PeftFactor.Length]).ToHashSet(StringComparer.Ordinal);

    private static string Leaf(string module) => module[(module.LastIndexOf('.') + 1)..];
}
