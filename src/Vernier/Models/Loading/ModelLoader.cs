using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Files.HuggingFace;
using Vernier.Tokens;

namespace Vernier.Models;

/// <summary>Gets the parts of a <see cref="LoadedModel"/> from what a path holds.</summary>
internal static class ModelLoader
{
    /// <param name="progress">Told of the blocks that are loaded: how many, of how many.</param>
    public static ModelParts Load(string path, Action<int, int>? progress, CancellationToken cancel)
    {
        if (Directory.Exists(path))
            return FromFolder(path, progress, cancel);
        return File.Exists(path) ? FromGguf(path, progress, cancel) : throw new FileNotFoundException($"{path}: no such file or folder", path);
    }

    private static ModelParts FromGguf(string path, Action<int, int>? progress, CancellationToken cancel)
    {
        var file = GgufFile.Open(path);
        try
        {
            var config = GgufConfig.Read(file);
            var weights = new GgufWeights(file, config);
            var decoder = new Decoder(config, new CancellableWeights(weights, cancel), progress);
            weights.RequireAllUsed();
            file.RequireUnchanged();
            file.Release(); // reading a tensor brings in pages of its neighbours, which were let go before
            var names = GgufNames.Of(config.Architecture);
            var tensors = file.Tensors.Select(t =>
                new SourceTensor(names.ToHuggingFace(t.Name) ?? t.Name, t.Name, SlowestFirst(t.Dimensions), t.Format.Name, t.ByteLength)).ToList();
            return new ModelParts(decoder, new ModelSource(path, SourceKind.Gguf, tensors, file), () => TokenizerLoader.FromGguf(file.Metadata, path), restored =>
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

    private static ModelParts FromFolder(string path, Action<int, int>? progress, CancellationToken cancel)
    {
        var stamps = FileStamp.OfModel(path);
        using var folder = HfFolder.Open(path);
        var config = HuggingFaceConfig.Read(folder.ConfigPath, folder.Config.RootElement);
        var generation = Path.Combine(path, "generation_config.json");
        if (File.Exists(generation))
            config = config with { EosTokenIds = [.. config.EosTokenIds.Union(HuggingFaceConfig.ReadEndIds(generation))] };
        var packed = QuantizedFolder.Find(folder);
        var quantized = packed is null ? null : new QuantizedWeights(folder, packed, config);
        var decoder = new Decoder(config, new CancellableWeights(quantized ?? (IWeightSource)new HuggingFaceWeights(folder, config), cancel), progress);
        quantized?.CheckBiases();
        folder.RequireUnchanged();
        var tensors = QuantizedWeights.Tensors(folder, packed).ToList();
        return new ModelParts(decoder, new ModelSource(path, SourceKind.HuggingFace, tensors, stamps: stamps) { Notes = Notes(folder) },
            () => TokenizerLoader.FromFolder(path), restored => Restore(restored, path, stamps));
    }

    private static void Restore(Decoder decoder, string path, IReadOnlyList<FileStamp> stamps)
    {
        if (!FileStamp.OfModel(path).SequenceEqual(stamps))
            throw new IOException($"{path}: the files have changed since the model was loaded, so its base cannot be had from them: load it again");
        using var folder = HfFolder.Open(path);
        decoder.RestoreBase(QuantizedFolder.Find(folder) is { } packed ? new QuantizedWeights(folder, packed, decoder.Config) : new HuggingFaceWeights(folder, decoder.Config));
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
