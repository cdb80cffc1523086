using Vernier.Files.Gguf;

namespace Vernier.Tokens;

/// <summary>Finds and reads the tokenizer that belongs to a model.</summary>
public static class TokenizerLoader
{
    /// <summary>Reads the tokenizer of a .gguf file, a folder, or one tokenizer file; null where a GGUF file or a folder has none.</summary>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    /// <exception cref="NotSupportedException">A file asks for something that is not done here.</exception>
    public static LoadedTokenizer? FromPath(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
            return FromFolder(path);
        if (!File.Exists(path))
            throw new FileNotFoundException($"{path}: no such file or folder", path);
        if (!path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
            return FromFile(path);
        using var file = GgufFile.Open(path);
        return FromGguf(file.Metadata, path);
    }

    /// <summary>Reads the tokenizer that a GGUF file holds; null where it has none.</summary>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">The keys are damaged.</exception>
    /// <exception cref="NotSupportedException">The keys ask for something that is not done here.</exception>
    public static LoadedTokenizer? FromGguf(GgufMetadata metadata, string source)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return GgufTokenizerReader.Read(metadata, source);
    }

    /// <summary>Reads the tokenizer files of a model folder; null where it has none.</summary>
    /// <remarks>Looked for in this order: tokenizer.json; tokenizer.model; tokenizer.bin; vocab.json with merges.txt; encoder.json with vocab.bpe; *.tiktoken.</remarks>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    /// <exception cref="NotSupportedException">A file asks for something that is not done here.</exception>
    public static LoadedTokenizer? FromFolder(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"{folder}: no such file or folder");
        var named = new[] { "tokenizer.json", "tokenizer.model", "tokenizer.bin", "vocab.json", "encoder.json" }
            .Select(name => Path.Combine(folder, name));
        var found = named.Concat(Directory.EnumerateFiles(folder, "*.tiktoken").Order(StringComparer.Ordinal)).FirstOrDefault(File.Exists);
        return found is null ? null : FromFile(found);
    }

    /// <summary>Reads one tokenizer file, together with the configuration files beside it.</summary>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    /// <exception cref="NotSupportedException">A file asks for something that is not done here.</exception>
    public static LoadedTokenizer FromFile(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var config = TokenizerConfig.Read(folder);
        ITokenizer tokenizer = Path.GetExtension(path) switch
        {
            ".model" when TiktokenReader.IsTiktoken(path) => TiktokenReader.Read(path),
            ".model" => SentencePieceModelReader.Read(path, config),
            ".bin" => Llama2cTokenizerReader.Read(path, config),
            ".tiktoken" => TiktokenReader.Read(path),
            ".json" when Path.GetFileName(path) == "vocab.json" => Gpt2FilesReader.Read(path, Path.Combine(folder, "merges.txt"), config),
            ".json" when Path.GetFileName(path) == "encoder.json" => Gpt2FilesReader.Read(path, Path.Combine(folder, "vocab.bpe"), config),
            ".json" => TokenizerJsonReader.Read(path, config),
            _ => throw new NotSupportedException(
                $"{path}: not a tokenizer file; known are tokenizer.json, *.model, *.bin, *.tiktoken, vocab.json and encoder.json"),
        };
        return LoadedTokenizer.Of(tokenizer, config.ChatTemplate, config.EndIds.Select(id => (long?)id)) with
        {
            ToolTemplateSource = config.ToolTemplate,
            TemplateTokens = config.TemplateTokens,
        };
    }
}
