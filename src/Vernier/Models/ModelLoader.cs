using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Files.HuggingFace;
using Vernier.Tokens;

namespace Vernier.Models;

/// <summary>Puts a <see cref="LanguageModel"/> together from what a path holds.</summary>
internal static class ModelLoader
{
    public static LanguageModel FromGguf(string path, LoadOptions options, CancellationToken cancel = default)
    {
        var file = GgufFile.Open(path);
        try
        {
            var config = GgufConfig.Read(file);
            var weights = new GgufWeights(file, config.Architecture, config.HeadDim);
            var decoder = new Decoder(config, new CancellableWeights(weights, cancel), options.Progress);
            weights.RequireAllUsed();
            file.RequireUnchanged();
            file.Release(); // reading a tensor brings in pages of its neighbours, which were let go before
            var tensors = file.Tensors.Select(t =>
                new SourceTensor(GgufNames.ToHuggingFace(t.Name) ?? t.Name, t.Name, SlowestFirst(t.Dimensions), t.Format.Name, t.ByteLength)).ToList();
            return new LanguageModel(decoder, new ModelSource(path, SourceKind.Gguf, tensors, file), new Compute(options.Threads, options.Mode),
                () => TokenizerLoader.FromGguf(file.Metadata, path), restored =>
                {
                    file.RequireUnchanged();
                    restored.RestoreBase(weights);
                    file.Release();
                });
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public static LanguageModel FromFolder(string path, LoadOptions options, CancellationToken cancel = default)
    {
        var stamps = FileStamp.OfModel(path);
        using var folder = HfFolder.Open(path);
        var config = HuggingFaceConfig.Read(folder.ConfigPath, folder.Config.RootElement);
        var generation = Path.Combine(path, "generation_config.json");
        if (File.Exists(generation))
            config = config with { EosTokenIds = [.. config.EosTokenIds.Union(HuggingFaceConfig.ReadEndIds(generation))] };
        var packed = QuantizedFolder.Find(folder);
        var quantized = packed is null ? null : new QuantizedWeights(folder, packed);
        var decoder = new Decoder(config, new CancellableWeights(quantized ?? (IWeightSource)new HuggingFaceWeights(folder), cancel), options.Progress);
        quantized?.CheckBiases();
        folder.RequireUnchanged();
        var tensors = QuantizedWeights.Tensors(folder, packed).ToList();
        return new LanguageModel(decoder, new ModelSource(path, SourceKind.HuggingFace, tensors, stamps: stamps) { Notes = Notes(folder) }, new Compute(options.Threads, options.Mode),
            () => TokenizerLoader.FromFolder(path), restored => Restore(restored, path, stamps));
    }

    private static void Restore(Decoder decoder, string path, IReadOnlyList<FileStamp> stamps)
    {
        if (!FileStamp.OfModel(path).SequenceEqual(stamps))
            throw new IOException($"{path}: the files have changed since the model was loaded, so its base cannot be had from them: load it again");
        using var folder = HfFolder.Open(path);
        decoder.RestoreBase(QuantizedFolder.Find(folder) is { } packed ? new QuantizedWeights(folder, packed) : new HuggingFaceWeights(folder));
    }

    private static string[] Notes(HfFolder folder)
    {
        var unknown = ConfigRules.Unknown(new ConfigKeys(folder.ConfigPath, folder.Config.RootElement));
        return unknown.Count == 0 ? [] : [$"{folder.ConfigPath}: not known here, and passed over: {string.Join(", ", unknown)}"];
    }

    private static long[] SlowestFirst(IReadOnlyList<long> dimensions)
    {
        var shape = new long[dimensions.Count];
        for (var i = 0; i < shape.Length; i++)
            shape[i] = dimensions[shape.Length - 1 - i];
        return shape;
    }
}
