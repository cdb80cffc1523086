using Vernier.Files;
using Vernier.Models;
using Vernier.Tokens;

namespace Vernier.Export;

/// <summary>Writes a model as a Hugging Face folder: dequantized weights under Hugging Face names and in Hugging Face row order, config.json,
/// and the tokenizer's files where the source has a tokenizer.</summary>
public static class HuggingFaceExport
{
    /// <summary>Files that belong to a tokenizer or to generation and are copied from a source folder as they are.</summary>
    private static readonly string[] CopiedFiles =
    [
        "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "vocab.json", "merges.txt", "chat_template.jinja", "generation_config.json",
    ];

    /// <summary>Writes <c>model.safetensors</c>, <c>config.json</c> and the tokenizer into <paramref name="folder"/>, which is made.</summary>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <exception cref="ArgumentException">Another type.</exception>
    /// <exception cref="IOException">The disk is full or fails.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ExportResult Write(LanguageModel model, string folder, ElementType type, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var work = new WorkLease(model.Decoder, model.Compute, cancel);
        model.Source.RequireUnchanged();
        if (type is not (ElementType.F32 or ElementType.F16 or ElementType.BF16))
            throw new ArgumentException($"weights are written as F32, F16 or BF16, not {type}", nameof(type));
        using var output = ExportFolder.Begin(folder);
        var tensors = model.Decoder.Weights().Select(w => FolderTensor.Floats(w.Name, w.Matrix, w.Vector, type)).ToList();
        FolderTensor.WriteAll(tensors, output.Temporary, "pt", cancel);
        HuggingFaceConfigWriter.Write(model, Path.Combine(output.Temporary, "config.json"), type);
        WriteTokenizer(model, output.Temporary);
        var bytes = output.Commit();
        return new ExportResult("hf", folder, tensors.Count, bytes, [type.ToString()]);
    }

    /// <summary>The source folder's tokenizer files as they are, or a tokenizer.json made from what the source has.</summary>
    internal static void WriteTokenizer(LanguageModel model, string folder)
    {
        if (model.Source.Kind == SourceKind.HuggingFace && model.Source.Path is var source)
        {
            if (Path.GetFullPath(source) != Path.GetFullPath(folder))
                foreach (var name in CopiedFiles.Where(n => File.Exists(Path.Combine(source, n))))
                    File.Copy(Path.Combine(source, name), Path.Combine(folder, name), overwrite: true);
        }
        else if (model.LoadedTokenizer is { } tokenizer)
        {
            TokenizerJsonWriter.Write(tokenizer, folder);
        }
    }
}
