using Vernier.Files.Gguf;
using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>A tiny random model of 4-bit blocks with a tokenizer, as a GGUF file: made here, so that its tests need no reference files.</summary>
internal static class TinyModelFile
{
    public const int Context = TinyRandomModel.Context;

    public static string Write(string path, int seed = 1)
    {
        using var model = TinyRandomModel.Create(seed);
        model.ExportGguf(path);
        return path;
    }

    /// <summary>The same with changed metadata, or without some tensors.</summary>
    public static string Rewrite(string from, string to, Func<GgufMetadata, GgufMetadata>? metadata = null, Func<string, bool>? keep = null)
    {
        using var file = GgufFile.Open(from);
        var kept = file.Tensors.Where(t => keep?.Invoke(t.Name) ?? true).ToList();
        using var writer = GgufWriter.Create(to, metadata?.Invoke(file.Metadata) ?? file.Metadata, [.. kept.Select(t => t.Plan)]);
        foreach (var tensor in kept)
            writer.Write(file.Bytes(tensor));
        writer.Commit();
        return to;
    }
}
