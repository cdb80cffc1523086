using Vernier.Calibration;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>Writes a model as a GGUF file. A model that came from GGUF keeps its tensors' order, names and block formats and, byte for byte,
/// its metadata (tokenizer and template included); only the scales of tuned blocks differ.</summary>
public static class GgufExport
{
    /// <summary>Writes the file beside <paramref name="path"/> and puts it in place when it is complete.</summary>
    /// <param name="floats">Format of matrices that are not packed and did not come from the file: f32, f16 or bf16; null = the type that they are held in.</param>
    /// <exception cref="NotSupportedException">A tensor cannot be held by any GGUF format, or the family has no GGUF names; says which can.</exception>
    /// <param name="options">How it is split; null = one file.</param>
    /// <param name="cancel">Ends the export; an older file at <paramref name="path"/> stays as it is.</param>
    /// <exception cref="IOException">The disk is full or fails.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ExportResult Write(LoadedModel model, string path, BlockFormat? floats = null, CancellationToken cancel = default, ExportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var work = new WorkLease(model.Decoder, model.Compute, cancel);
        model.Source.RequireUnchanged();
        var source = model.Source.Gguf;
        if (source is null)
            GgufMetadataBuilder.Architecture(model.Config);
        var weights = StoredWeight.Of(model.Decoder, StoredTensors.OfGguf(model.Config)).ToDictionary(w => w.Name, StringComparer.Ordinal);
        var tensors = source is null
            ? [.. weights.Values.Select(w => Plan(w, floats))]
            : source.Tensors.Select(t => Plan(model, source, t, weights, floats)).ToList();
        if (source is null)
            tensors.AddRange(GgufMetadataBuilder.RopeTensors(model.Config).Select(t => PlannedTensor.Values(t.Name, t.Factors)));
        var notes = new List<string>();
        var changed = source is null || !source.Metadata.Contains("general.file_type") || tensors.Any(t => t.Plan.Format != source.Get(t.Plan.Name).Format);
        var metadata = source is null ? GgufMetadataBuilder.Build(model, notes) : GgufMetadataBuilder.Completed(model, source.Metadata);
        foreach (var tensor in tensors)
        {
            cancel.ThrowIfCancellationRequested();
            notes.AddRange(tensor.RequireFinite());
        }
        if (changed)
            metadata = metadata.With(GgufValue.Of("general.file_type", GgufMetadataBuilder.FileType(tensors.Select(t => t.Plan))));

        GgufTensorPlan[] plans = [.. tensors.Select(t => t.Plan)];
        using var writer = options?.SplitBytes is { } most ? GgufWriter.CreateSplit(path, metadata, plans, most, cancel) : GgufWriter.Create(path, metadata, plans, cancel);
        foreach (var tensor in tensors)
            tensor.Write(writer);
        writer.Commit();
        var files = writer.Paths;
        return new ExportResult("gguf", files[0], tensors.Count, files.Sum(file => new FileInfo(file).Length), [.. tensors.Select(t => t.Plan.Format.Name).Distinct().Order(StringComparer.Ordinal)]) { Notes = notes, Shards = files.Count };
    }

    /// <summary>Refuses, before any work, what <see cref="Write"/> would refuse after quantizing.</summary>
    /// <exception cref="NotSupportedException">A linear would have codes or groups that no GGUF format holds, or the family has no GGUF names.</exception>
    public static void RequireHolds(LoadedModel model, QuantizeOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Source.Gguf is null)
            GgufMetadataBuilder.Build(model, []);
        var bits = ModelQuantizer.BitsOf(options);
        foreach (var linear in model.Decoder.Linears.DistinctBy(l => (bits(l.Name), l.InFeatures)))
        {
            using var row = new PackedMatrix(1, linear.InFeatures, bits(linear.Name), options.Group);
            row.TunedScales.Scale.Span.Fill(1);
            row.TunedScales.Offset.Span.Fill(options.Scheme == "rtn-sym" ? -(1 << (bits(linear.Name) - 1)) : -0.5f);
            Choose(linear.Name + ".weight", row);
        }
    }

    private static PlannedTensor Plan(LoadedModel model, GgufFile source, GgufTensor tensor, IReadOnlyDictionary<string, StoredWeight> weights, BlockFormat? floats)
    {
        if (!weights.TryGetValue(tensor.Name, out var weight))
            return PlannedTensor.Copy(source, tensor);
        model.Compute.Pool.Cancellation.ThrowIfCancellationRequested();
        if (weight.IsPacked)
            return PlannedTensor.Joined(weight, packed => Plan(source, tensor, weight, packed));
        // Floats go back as they came; what a quantized tensor became by merging or full training is written as asked for.
        var format = tensor.Format.Codes is null ? tensor.Format : floats ?? BlockFormats.F16;
        return weight.Matrix is { } matrix
            ? PlannedTensor.Floats(tensor.Name, tensor.Dimensions, format, matrix, weight.Order)
            : PlannedTensor.Floats(tensor.Name, tensor.Dimensions, format, weight.Vector!, weight.Order);
    }

    private static NotSupportedException NoWayBack(GgufFile source, GgufTensor tensor)
    {
        var scale = tensor.Format.Codes!.Storage switch { ScaleStorage.Half => "fp16 scale", ScaleStorage.PowerOfTwo => "power of two", _ => "8-bit scale" };
        return new($"{source.Path}: tensor '{tensor.Name}': tuned scales cannot be put back into {tensor.Format.Name} blocks, which have one {scale} for {(tensor.Format.Codes.Storage == ScaleStorage.Float8 ? tensor.Format.Codes.GroupSize : tensor.Format.BlockSize)} columns"
            + $"{(tensor.Format.Codes.Storage == ScaleStorage.Half ? "; what was tuned is finer (--allow-unexportable, or an adapter of version 0.3 and before): tune anew without it, or with --granularity channel" : "")}. export --to native holds them to the bit, --to hf dequantized");
    }

    private static PlannedTensor Plan(GgufFile source, GgufTensor tensor, StoredWeight weight, PackedMatrix packed)
    {
        var order = weight.Order;
        if (tensor.Format.Codes is { } codes && codes.Bits == packed.Bits && codes.GroupSize == packed.GroupSize)
        {
            if (PackedRows.Equal(source, tensor, packed, order))
                return PlannedTensor.Copy(source, tensor);
            if (codes.CanJoin && BlockFormatChoice.Holds(tensor.Format, packed))
                return PlannedTensor.Packed(tensor.Name, tensor.Format, packed, order);
            if (codes.CanJoin)
                return PlannedTensor.Packed(tensor.Name, Choose(weight, packed), packed, order); // re-quantized with other zero points
            var factors = PackedRows.BlockFactors(source, tensor, packed, order, out var sameCodes);
            if (sameCodes)
                return factors is not null && codes.Storage == ScaleStorage.Half ? PlannedTensor.Rescaled(source, tensor, factors) : throw NoWayBack(source, tensor);
        }
        return PlannedTensor.Packed(tensor.Name, Choose(weight, packed), packed, order);
    }

    private static PlannedTensor Plan(StoredWeight weight, BlockFormat? floats)
    {
        if (weight.IsPacked)
            return PlannedTensor.Joined(weight, packed => PlannedTensor.Packed(weight.Name, Choose(weight, packed), packed, weight.Order));
        return weight.Matrix is { } matrix
            ? PlannedTensor.Floats(weight.Name, weight.Dimensions, IsRouter(weight) ? BlockFormats.F32 : floats ?? TypeOf(weight.First!), matrix, weight.Order)
            : PlannedTensor.Floats(weight.Name, [weight.Vector!.Value.Length], BlockFormats.F32, weight.Vector, weight.Order);
    }

    /// <summary>llama.cpp has routers in full precision.</summary>
    private static bool IsRouter(StoredWeight weight) => weight.Name.Contains(".ffn_gate_inp", StringComparison.Ordinal);

    private static BlockFormat TypeOf(WeightMatrix matrix) =>
        matrix is not HalfMatrix half ? BlockFormats.F32 : half.Format == HalfFormat.Fp16 ? BlockFormats.F16 : BlockFormats.BF16;

    private static BlockFormat Choose(StoredWeight weight, PackedMatrix packed) => Choose(string.Join(", ", weight.Names), packed);

    private static BlockFormat Choose(string name, PackedMatrix packed) =>
        BlockFormatChoice.Find(packed, out var why) ?? throw new NotSupportedException(
            $"GGUF cannot hold '{name}': {why}. What it can hold: codes of at most 4 bits in Q4_0 (zero point 8) or Q4_1, of 5 bits in Q5_0 or Q5_1, of 8 bits with zero point 128 in Q8_0, each with one scale for 32 columns or for a multiple of 32. Export --to native (quantize: --out a folder) holds every model, --to hf every model dequantized");
}
