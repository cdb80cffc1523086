using Vernier.Files.Tensors;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>Writes a model as a Hugging Face folder: dequantized weights under Hugging Face names and in Hugging Face row order, config.json,
/// and the tokenizer's files where the source has a tokenizer.</summary>
public static class HuggingFaceExport
{
    /// <summary>Writes <c>model.safetensors</c>, <c>config.json</c> and the tokenizer into <paramref name="folder"/>, which is made.</summary>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <exception cref="ArgumentException">Another type.</exception>
    /// <exception cref="IOException">The disk is full or fails.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ExportResult Write(LoadedModel model, string folder, ElementType type, CancellationToken cancel = default, ExportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var work = new WorkLease(model.Decoder, model.Compute, cancel);
        model.Source.RequireUnchanged();
        if (type is not (ElementType.F32 or ElementType.F16 or ElementType.BF16))
            throw new ArgumentException($"weights are written as F32, F16 or BF16, not {type}", nameof(type));
        var tensors = StoredWeight.Of(model.Decoder, StoredTensors.OfFolder(model.Config)).Select(w => FolderTensor.Floats(w.Name, w.Plain, w.Vector, type)).ToList();
        if (options?.Untie == true && model.Config.TiedHead)
            tensors.Add(UntiedHead(model, type));
        foreach (var tensor in tensors)
        {
            cancel.ThrowIfCancellationRequested();
            tensor.RequireFinite();
        }
        using var output = ExportFolder.Begin(folder);
        FolderTensor.WriteAll(tensors, output.Temporary, "pt", cancel);
        HuggingFaceConfigWriter.Write(model, Path.Combine(output.Temporary, "config.json"), type, untie: options?.Untie == true);
        FolderExtras.Write(model, output.Temporary, folder, "hf", [type.ToString()], options);
        var bytes = output.Commit();
        return new ExportResult("hf", folder, tensors.Count, bytes, [type.ToString()]);
    }

    /// <summary>The embedding table under the name of the head.</summary>
    internal static FolderTensor UntiedHead(LoadedModel model, ElementType type) => FolderTensor.Floats(ParameterNames.Of(model.Config.Architecture).Head + ".weight", model.Decoder.Head, null, type);
}
