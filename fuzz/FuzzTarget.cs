using Vernier.Files.Gguf;
using Vernier.Files.Pickle;
using Vernier.Files.Safetensors;
using Vernier.Tokens;
using Vernier.Tokens.Templates;
using Vernier.Tuning;

namespace Vernier.Fuzz;

/// <summary>A reader of files that others made.</summary>
/// <param name="Name">Also the folder of its corpus.</param>
/// <param name="FileName">The name that the reader expects.</param>
/// <param name="IsText">Mutations keep more of its form.</param>
/// <param name="MostBytes">Managed memory that an input may cost, with all garbage, in bytes.</param>
/// <param name="Read">Reads a file wholly; an exception other than <see cref="IsRefusal"/> is a fault.</param>
internal sealed record FuzzTarget(string Name, string FileName, bool IsText, long MostBytes, Action<string> Read)
{
    private const long Small = 32 << 20;
    private const long Large = 256 << 20;

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("gguf", "model.gguf", false, Small, Gguf),
        new("safetensors", "model.safetensors", false, Small, Safetensors),
        new("pickle", "pytorch_model.bin", false, Small, Pickle),
        new("tokenizer", "tokenizer.json", true, Large, Tokenizer),
        new("template", "chat_template.jinja", true, Large, Template),
        new("yaml", "config.yaml", true, Small, path => RunFile.Load(path)),
    ];

    public static FuzzTarget Find(string name) =>
        All.FirstOrDefault(t => t.Name == name) ?? throw new ArgumentException($"'{name}' is no target; there are {string.Join(", ", All.Select(t => t.Name))}");

    /// <summary>What readers promise of bad input: nothing else may leave them.</summary>
    public static bool IsRefusal(Exception exception) => exception is InvalidDataException or NotSupportedException or TemplateException;

    private static void Gguf(string path)
    {
        using var file = GgufFile.Open(path);
        foreach (var value in file.Metadata)
            _ = value.ToString();
        foreach (var tensor in file.Tensors.Where(t => t.Format.CanDequantize))
            file.ReadAll(tensor);
        if (TokenizerLoader.FromGguf(file.Metadata, path) is { } tokenizer)
            Use(tokenizer);
    }

    private static void Safetensors(string path)
    {
        using var file = SafetensorsFile.Open(path);
        foreach (var tensor in file.Tensors)
            file.ReadSingles(tensor.Name);
    }

    private static void Pickle(string path)
    {
        using var file = TorchFile.Open(path);
        foreach (var tensor in file.Tensors)
            file.ReadSingles(tensor.Name);
    }

    private static void Tokenizer(string path) => Use(TokenizerLoader.FromFile(path));

    private static void Use(LoadedTokenizer loaded)
    {
        foreach (var text in (string[])["the quick brown fox", "\u00e9\ud83d\ude00 <|x|>\n\n\t 12345", ""])
            _ = loaded.Tokenizer.Decode(loaded.Tokenizer.Encode(text));
        if (loaded.ChatTemplateSource is { } template)
            Render(template);
    }

    private static void Template(string path) => Render(File.ReadAllText(path));

    private static void Render(string source) => ChatTemplate.Parse(source).Render(
        [new ChatMessage("system", "a"), new ChatMessage("user", "b"), new ChatMessage("assistant", "c")], addGenerationPrompt: true, "<s>", "</s>");
}
