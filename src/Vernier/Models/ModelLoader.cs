using Vernier.Files.Gguf;
using Vernier.Tokens;

namespace Vernier.Models;

/// <summary>Puts a <see cref="LanguageModel"/> together from what a path holds.</summary>
internal static class ModelLoader
{
    public static LanguageModel FromGguf(string path, LoadOptions options)
    {
        var file = GgufFile.Open(path);
        try
        {
            var config = GgufConfig.Read(file);
            var decoder = new Decoder(config, new GgufWeights(file, config.Architecture, config.HeadDim));
            var tensors = file.Tensors.Select(t =>
                new SourceTensor(GgufNames.ToHuggingFace(t.Name) ?? t.Name, t.Name, [.. t.Dimensions.Reverse()], t.Format.Name, t.ByteLength)).ToList();
            return new LanguageModel(decoder, new ModelSource(path, SourceKind.Gguf, tensors, file), new Compute(options.Threads, options.Mode),
                () => TokenizerLoader.FromGguf(file.Metadata, path));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public static LanguageModel FromFolder(string folder, LoadOptions options)
    {
        var path = Path.Combine(folder, "config.json");
        if (!File.Exists(path))
            throw new FileNotFoundException($"{folder}: a model folder needs a config.json", path);
        var config = HuggingFaceConfig.Read(path);
        var generation = Path.Combine(folder, "generation_config.json");
        if (File.Exists(generation))
            config = config with { EosTokenIds = [.. config.EosTokenIds.Union(HuggingFaceConfig.ReadEndIds(generation))] };
        using var weights = new HuggingFaceWeights(folder);
        var decoder = new Decoder(config, weights);
        return new LanguageModel(decoder, new ModelSource(folder, SourceKind.HuggingFace, weights.Tensors()), new Compute(options.Threads, options.Mode),
            () => TokenizerLoader.FromFolder(folder));
    }
}
