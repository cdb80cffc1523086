using System.Runtime.InteropServices;
using Vernier.Files.Packings.Native;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>Writes a model as a native folder: packed matrices with their codes, scales and offsets to the bit, 16-bit matrices as they are, everything else fp32,
/// config.json with Vernier's <c>quantization_config</c>, and the tokenizer's files. It holds every model; <see cref="LanguageModel.Load"/> reads it.</summary>
public static class NativeExport
{
    /// <summary>Writes into <paramref name="folder"/>, which is made.</summary>
    /// <exception cref="NotSupportedException">No config.json can be made for the model.</exception>
    /// <exception cref="IOException">The disk is full or fails.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ExportResult Write(LoadedModel model, string folder, CancellationToken cancel = default, ExportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var work = new WorkLease(model.Decoder, model.Compute, cancel);
        model.Source.RequireUnchanged();
        var places = StoredTensors.OfFolder(model.Config);
        var weights = model.Decoder.Weights().Select(w => w with { Matrix = AsRead(places, w.Name, w.Matrix) }).ToList();
        var packed = weights.Where(w => w.Matrix is PackedMatrix).Select(w => KeyValuePair.Create(Module(w.Name), NativeLayer.Describe((PackedMatrix)w.Matrix!))).ToList();
        foreach (var (name, matrix, vector) in weights)
            NumberRange.Require(name, matrix, vector, matrix is null or PackedMatrix ? ElementType.F32 : TypeOf(matrix));
        using var output = ExportFolder.Begin(folder);
        var plans = weights.SelectMany(w => Plan(w.Name, w.Matrix, w.Vector)).ToList();
        using (var writer = SafetensorsWriter.Create(Path.Combine(output.Temporary, "model.safetensors"), plans, new Dictionary<string, string> { ["format"] = "pt" }, cancel))
        {
            foreach (var (name, matrix, vector) in weights)
                if (matrix is not null)
                    Write(writer, name, matrix);
                else
                {
                    StorableNumbers.Require(name, vector!.Value.Span, ElementType.F32);
                    writer.Write(vector.Value.Span, ElementType.F32);
                }
            writer.Commit();
        }
        HuggingFaceConfigWriter.Write(model, Path.Combine(output.Temporary, "config.json"), ElementType.F32, packed.Count > 0 ? NativeConfig.ToJson(packed) : null);
        var formats = packed.Select(p => $"U{p.Value.Bits}/{p.Value.GroupSize}").Concat(plans.Where(p => p.Name.EndsWith(".weight", StringComparison.Ordinal)).Select(p => p.Type.ToString()))
            .Distinct().Order(StringComparer.Ordinal).ToList();
        FolderExtras.Write(model, output.Temporary, folder, "native", formats, options);
        var bytes = output.Commit();
        return new ExportResult("native", folder, plans.Count, bytes, formats);
    }

    // a weight that is not packed and stands alone is read as every folder has it
    private static WeightMatrix? AsRead(StoredTensors places, string name, WeightMatrix? matrix) =>
        matrix is not null and not PackedMatrix && places.Find(name) is { IsTransposed: true, IsFused: false } ? new TransposedView(matrix) : matrix;

    private static IEnumerable<SafetensorsPlan> Plan(string name, WeightMatrix? matrix, Parameter? vector) => matrix switch
    {
        PackedMatrix packed => NativeLayer.Plan(Module(name), NativeLayer.Describe(packed)),
        not null => [new SafetensorsPlan(name, TypeOf(matrix), [matrix.Rows, matrix.Columns])],
        null => [new SafetensorsPlan(name, ElementType.F32, [vector!.Value.Length])],
    };

    private static void Write(SafetensorsWriter writer, string name, WeightMatrix matrix)
    {
        if (matrix is PackedMatrix packed)
        {
            NativeLayer.Write(writer, packed);
            return;
        }
        var row = new float[matrix.Columns];
        for (var i = 0; i < matrix.Rows; i++)
            if (matrix is HalfMatrix half)
                writer.Write(MemoryMarshal.AsBytes(half.Row(i)));
            else
            {
                matrix.ReadTile(i, 1, 0, matrix.Columns, row, matrix.Columns);
                StorableNumbers.Require(name, row, ElementType.F32);
                writer.Write(row, ElementType.F32);
            }
    }

    private static ElementType TypeOf(WeightMatrix matrix) =>
        matrix is HalfMatrix half ? half.Format == HalfFormat.Bf16 ? ElementType.BF16 : ElementType.F16 : ElementType.F32;

    private static string Module(string name) => name[..^".weight".Length];
}
