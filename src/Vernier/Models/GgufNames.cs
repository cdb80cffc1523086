using System.Text.RegularExpressions;

namespace Vernier.Models;

/// <summary>Tensor names of GGUF files and of Hugging Face folders, for the families that GGUF files are read of.</summary>
internal static partial class GgufNames
{
    private static readonly (string Gguf, string HuggingFace)[] s_global =
    [
        ("token_embd", "model.embed_tokens"),
        ("output_norm", "model.norm"),
        ("output", "lm_head"),
    ];

    private static readonly (string Gguf, string HuggingFace)[] s_block =
    [
        ("attn_norm", "input_layernorm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
        ("attn_q_norm", "self_attn.q_norm"),
        ("attn_k_norm", "self_attn.k_norm"),
        ("ffn_norm", "post_attention_layernorm"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
    ];

    private static readonly Dictionary<string, string> s_toHuggingFace = s_global.Concat(s_block).ToDictionary(p => p.Gguf, p => p.HuggingFace, StringComparer.Ordinal);
    private static readonly Dictionary<string, string> s_toGguf = s_global.Concat(s_block).ToDictionary(p => p.HuggingFace, p => p.Gguf, StringComparer.Ordinal);

    /// <summary>The GGUF name of a Hugging Face tensor name, or null when there is none.</summary>
    public static string? ToGguf(string name) => Translate(name, HuggingFaceName(), "blk.", s_toGguf);

    /// <summary>The Hugging Face name of a GGUF tensor name, or null when the decoder has no such tensor.</summary>
    public static string? ToHuggingFace(string name) => Translate(name, GgufName(), "model.layers.", s_toHuggingFace);

    /// <summary>The row order of a tensor in a file: interleaved for q and k of "llama" files.</summary>
    /// <param name="name">Hugging Face name.</param>
    public static RotaryRowOrder RowOrder(string name, string architecture, int headDim) => new(
        architecture is "llama" or "mistral" && (name.Contains(".q_proj.", StringComparison.Ordinal) || name.Contains(".k_proj.", StringComparison.Ordinal)) ? headDim : 0);

    private static string? Translate(string name, Regex pattern, string block, Dictionary<string, string> table)
    {
        var match = pattern.Match(name);
        if (!match.Success || !table.TryGetValue(match.Groups["module"].Value, out var module))
            return null;
        var prefix = match.Groups["layer"].Success ? $"{block}{match.Groups["layer"].Value}." : "";
        return $"{prefix}{module}.{match.Groups["kind"].Value}";
    }

    [GeneratedRegex(@"^(model\.layers\.(?<layer>\d+)\.)?(?<module>[\w.]+)\.(?<kind>weight|bias)$", RegexOptions.ExplicitCapture)]
    private static partial Regex HuggingFaceName();

    [GeneratedRegex(@"^(blk\.(?<layer>\d+)\.)?(?<module>\w+)\.(?<kind>weight|bias)$", RegexOptions.ExplicitCapture)]
    private static partial Regex GgufName();
}
