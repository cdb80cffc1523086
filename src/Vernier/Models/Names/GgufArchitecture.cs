namespace Vernier.Models;

/// <summary>The names of families in GGUF files and in config.json, and what the name alone says of a file.</summary>
internal static class GgufArchitecture
{
    private static readonly (string HuggingFace, string Gguf)[] s_names =
    [
        ("llama", "llama"),
        ("mistral", "llama"), // both families share one layout there
        ("qwen2", "qwen2"),
        ("qwen3", "qwen3"),
        ("mixtral", "llama"), // with experts
        ("qwen2_moe", "qwen2moe"),
        ("qwen3_moe", "qwen3moe"),
        ("gpt2", "gpt2"),
        ("gpt_neox", "gptneox"),
        ("starcoder2", "starcoder2"),
        ("falcon", "falcon"),
        ("phi3", "phi3"),
        ("gemma2", "gemma2"),
        ("gemma3_text", "gemma3"),
        ("granite", "granite"),
        ("olmo2", "olmo2"),
        ("smollm3", "smollm3"),
    ];

    private static readonly string[] s_interleaved = ["llama", "mistral", "mixtral", "granite", "smollm3"];

    private static readonly string[] s_partial = ["phi3", "gptneox"];

    /// <summary>All names that GGUF files are read and written with.</summary>
    public static IEnumerable<string> All => s_names.Select(n => n.Gguf).Distinct();

    /// <summary>The name in GGUF files; null where the family is not written so.</summary>
    public static string? ToGguf(string huggingFace) => Array.Find(s_names, n => n.HuggingFace == huggingFace).Gguf;

    /// <summary>The name in config.json, also of a name that is one already; other names stay.</summary>
    public static string ToHuggingFace(string gguf) => Array.Find(s_names, n => n.Gguf == gguf).HuggingFace ?? gguf;

    /// <summary>Of a head only the first channels may rotate.</summary>
    public static bool RotatesInPart(string architecture) => s_partial.Contains(architecture);

    /// <summary>Factors of LongRoPE may lie beside the weights.</summary>
    public static bool HasLongRope(string architecture) => architecture == "phi3";

    /// <summary>The rows of q and k lie interleaved for rotary pairs.</summary>
    public static bool InterleavesRotaryRows(string architecture) => s_interleaved.Contains(architecture);
}
