using System.Text.Json.Nodes;
using Vernier.Files.Disk;
using Vernier.Files.Packings;
using Vernier.Files.Tensors;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>Writes a model as a GPTQ, AWQ or MLX folder: the integer codes as they are, scales rounded once, config.json with the packing's settings, and the tokenizer's
/// files. A model that came from a folder of the same packing keeps its settings, its tensors' types and whatever else was there: only the bytes of tuned scales differ.</summary>
public static class PackedExport
{
    private const string WeightSuffix = ".weight";

    private static readonly PackedTarget[] Targets = [new GptqTarget(), new AwqTarget(), new MlxTarget()];

    /// <summary>Names of the packings.</summary>
    public static IReadOnlyList<string> Formats { get; } = [.. Targets.Select(t => t.Name)];

    /// <summary>Writes into <paramref name="folder"/>, which is made. What cannot be held is refused before that.</summary>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="type">Of scales and of everything that is not packed: F32, F16 or BF16; null = as in a source of the same packing, else F16, but
    /// what is not packed in a BF16 model stays BF16.</param>
    /// <param name="options">null = the defaults.</param>
    /// <exception cref="ArgumentException">Another format or type, or the folder is the source itself.</exception>
    /// <exception cref="NotSupportedException">The packing cannot hold a matrix; says which can.</exception>
    /// <exception cref="IOException">The disk is full or fails.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ExportResult Write(LoadedModel model, string folder, string format, ElementType? type = null, CancellationToken cancel = default, ExportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var work = new WorkLease(model.Decoder, model.Compute, cancel);
        model.Source.RequireUnchanged();
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var target = Array.Find(Targets, t => t.Name == format) ?? throw new ArgumentException($"unknown format '{format}'; known: {string.Join(", ", Formats)}", nameof(format));
        options ??= new ExportOptions();
        if (target is GptqTarget)
            target = new GptqTarget(options.CheckpointFormat);
        if (options.Untie && target.PacksEmbeddings)
            throw new ArgumentException($"a head cannot be written apart from the embedding as {format}", nameof(options));
        if (type is not (null or ElementType.F32 or ElementType.F16 or ElementType.BF16))
            throw new ArgumentException($"weights are written as F32, F16 or BF16, not {type}", nameof(type));
        using var source = PackedSource.Open(model, target.Name);
        if (source is not null && FilePlace.IsSame(model.Source.Path, folder))
            throw new ArgumentException($"{folder} is the model itself: give another folder", nameof(folder));
        var tensors = Plan(model, target, source, type, options.Untie, out var settings);

        using var output = ExportFolder.Begin(folder);
        FolderTensor.WriteAll(tensors, output.Temporary, target.Framework, cancel);
        HuggingFaceConfigWriter.WritePacked(model, output.Temporary, type ?? (source is null ? UsualType(model) : null), target.Name, settings, options.Untie);
        string[] formats = [.. tensors.Select(t => t.Format).Distinct().Order(StringComparer.Ordinal)];
        FolderExtras.Write(model, output.Temporary, folder, target.Name, formats, options);
        var bytes = output.Commit();
        return new ExportResult(target.Name, folder, tensors.Sum(t => t.Plans.Count), bytes, formats);
    }

    private static List<FolderTensor> Plan(LoadedModel model, PackedTarget target, PackedSource? source, ElementType? type, bool untie, out JsonObject settings)
    {
        var places = StoredTensors.OfFolder(model.Config);
        var weights = StoredWeight.Of(model.Decoder, places);
        var linears = model.Decoder.Linears.Select(l => places.ModuleOf(l.Name)).ToHashSet(StringComparer.Ordinal);
        var packed = new Dictionary<string, PackedModule>(StringComparer.Ordinal);
        foreach (var weight in weights)
            if (weight.IsPacked && Module(weight.Name) is var module && (target.PacksEmbeddings || linears.Contains(module) || source?.Holds(module) == true))
                packed.Add(module, weight.WithCodes(codes => Describe(module, Layer(module, codes), ScaleType(module))));
        if (packed.Count == 0)
            throw new NotSupportedException($"the model has no integer codes to write as {target.Name}: quantize it first, or export --to hf");
        var plain = linears.Where(l => !packed.ContainsKey(l)).ToList();
        var stated = settings = source?.SettingsFor([.. packed.Values]) is { } own ? target.Adapt(own, [.. packed.Values]) : target.Settings([.. packed.Values], plain);

        var tensors = new List<FolderTensor>();
        foreach (var weight in weights)
            if (packed.TryGetValue(Module(weight.Name), out var module) && weight.IsPacked)
            {
                var scaleType = ScaleType(module.Name);
                tensors.Add(FolderTensor.Packed(target.Plan(module, scaleType), $"U{module.Bits}/{module.GroupSize}",
                    () => weight.WithCodes(codes => target.Pack(Layer(module.Name, codes), stated, scaleType))));
            }
            else
                tensors.Add(FolderTensor.Floats(weight.Name, weight.Plain, weight.Vector, type ?? source?.TypeOf(weight.Name) ?? UsualType(model)));
        if (untie && model.Config.TiedHead)
            tensors.Add(HuggingFaceExport.UntiedHead(model, type ?? source?.TypeOf(model.Decoder.Weights().First().Name) ?? UsualType(model)));
        if (source is not null)
            tensors.AddRange(source.Others(model.Config.TiedHead, tensors.SelectMany(t => t.Plans).Select(p => p.Name)));
        foreach (var tensor in tensors)
            tensor.RequireFinite();
        return tensors;

        ElementType ScaleType(string module) => type ?? source?.TypeOf(module + ".scales") ?? ElementType.F16;

        QuantizedLayer Layer(string module, PackedMatrix matrix) => LayerOf(model, target, source, module, matrix);
    }

    private static PackedModule Describe(string module, QuantizedLayer layer, ElementType scaleType)
    {
        StorableNumbers.Require(module, layer.Scales, scaleType);
        StorableNumbers.Require(module, layer.Offsets, scaleType);
        return PackedModule.Of(module, layer);
    }

    private static QuantizedLayer LayerOf(LoadedModel model, PackedTarget target, PackedSource? source, string module, PackedMatrix matrix)
    {
        model.Compute.Pool.Cancellation.ThrowIfCancellationRequested();
        try
        {
            return target.Layer(matrix, () => source?.ZeroPoints(module));
        }
        catch (NotSupportedException e)
        {
            throw new NotSupportedException($"{target.Name} cannot hold '{module}': {e.Message}", e);
        }
    }

    /// <summary>What readers of these packings compute in; a bf16 model may have values that fp16 has not.</summary>
    private static ElementType UsualType(LoadedModel model) =>
        model.Decoder.Embedding is HalfMatrix { Format: HalfFormat.Bf16 } ? ElementType.BF16 : ElementType.F16;

    private static string Module(string name) => name.EndsWith(WeightSuffix, StringComparison.Ordinal) ? name[..^WeightSuffix.Length] : name;
}
