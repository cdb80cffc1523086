namespace Vernier.Models;

/// <summary>Tensor names of GGUF files and of Hugging Face folders, for the families that GGUF files are read of.</summary>
internal static class GgufNames
{
    private const string GgufBlock = "blk.";
    private const string HuggingFaceBlock = "model.layers.";

    private static readonly (string Gguf, string HuggingFace)[] s_names =
    [
        ("token_embd", "model.embed_tokens"),
        ("output_norm", "model.norm"),
        ("output", "lm_head"),
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

    private static readonly Dictionary<string, string> s_toHuggingFace = s_names.ToDictionary(p => p.Gguf, p => p.HuggingFace, StringComparer.Ordinal);
    private static readonly Dictionary<string, string> s_toGguf = s_names.ToDictionary(p => p.HuggingFace, p => p.Gguf, StringComparer.Ordinal);

    /// <summary>The GGUF name of a Hugging Face tensor name, or null when there is none.</summary>
    public static string? ToGguf(string name) => Translate(name, HuggingFaceBlock, GgufBlock, s_toGguf);

    /// <summary>The Hugging Face name of a GGUF tensor name, or null when the decoder has no such tensor.</summary>
    public static string? ToHuggingFace(string name) => Translate(name, GgufBlock, HuggingFaceBlock, s_toHuggingFace);

    /// <summary>The row order of a tensor in a file: interleaved for q and k of "llama" files.</summary>
    /// <param name="name">Hugging Face name.</param>
    public static RotaryRowOrder RowOrder(string name, string architecture, int headDim) => new(
        architecture is "llama" or "mistral" && (name.Contains(".q_proj.", StringComparison.Ordinal) || name.Contains(".k_proj.", StringComparison.Ordinal)) ? headDim : 0);

    // [block N .] module . weight or bias
    private static string? Translate(string name, string block, string otherBlock, Dictionary<string, string> table)
    {
        var (start, end) = (0, name.LastIndexOf('.'));
        if (end < 0 || name.AsSpan(end + 1) is not ("weight" or "bias"))
            return null;
        if (name.StartsWith(block, StringComparison.Ordinal))
        {
            var at = block.Length;
            while (char.IsAsciiDigit(name[at]))
                at++;
            if (at > block.Length && at < end && name[at] == '.')
                start = at + 1;
        }
        if (!table.TryGetValue(name[start..end], out var module))
            return null;
        return start == 0 ? string.Concat(module, name.AsSpan(end)) : string.Concat(otherBlock, name.AsSpan(block.Length, start - block.Length), module, name.AsSpan(end));
    }
}
