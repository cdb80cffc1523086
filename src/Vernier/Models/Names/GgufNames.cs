using System.Collections.Concurrent;

namespace Vernier.Models;

/// <summary>Tensor names of GGUF files and of Hugging Face folders, for one family.</summary>
internal sealed class GgufNames
{
    private const string GgufBlock = "blk.";

    private static readonly ConcurrentDictionary<string, GgufNames> s_byArchitecture = new(StringComparer.Ordinal);

    private readonly string _block;
    private readonly Dictionary<string, string> _toHuggingFace;
    private readonly Dictionary<string, string> _toGguf;

    private GgufNames(ParameterNames names)
    {
        (string Gguf, string HuggingFace)[] outer =
        [
            ("token_embd", names.Embedding),
            ("position_embd", names.Positions),
            ("output_norm", names.FinalNorm),
            ("output", names.Head),
        ];
        (string Gguf, string HuggingFace)[] inner =
        [
            ("attn_norm", names.AttentionNorm),
            ("attn_q", names.Query),
            ("attn_k", names.Key),
            ("attn_v", names.Value),
            ("attn_output", names.Output),
            ("attn_q_norm", names.QueryNorm),
            ("attn_k_norm", names.KeyNorm),
            ("ffn_norm", names.FeedForwardNorm),
            ("post_attention_norm", names.AttentionOutputNorm),
            ("post_ffw_norm", names.FeedForwardOutputNorm),
            ("ffn_gate", names.Gate),
            ("ffn_up", names.Up),
            ("ffn_down", names.Down),
            ("ffn_gate_inp", names.Router),
            ("ffn_gate_exps", names.AllExperts(names.ExpertGate)),
            ("ffn_up_exps", names.AllExperts(names.ExpertUp)),
            ("ffn_down_exps", names.AllExperts(names.ExpertDown)),
            ("ffn_gate_inp_shexp", names.SharedExpertGate),
            ("ffn_gate_shexp", names.SharedExpert + names.ExpertGate),
            ("ffn_up_shexp", names.SharedExpert + names.ExpertUp),
            ("ffn_down_shexp", names.SharedExpert + names.ExpertDown),
        ];
        var fused = names.Fused.SelectMany(f => f.Parts).ToHashSet(StringComparer.Ordinal);
        var pairs = outer.Concat(inner.Where(p => !fused.Contains(p.HuggingFace))).Concat(names.Fused.Select(f => (f.Gguf, f.Name))).Where(p => p.Item2.Length > 0).ToList();
        _block = names.Block[..names.Block.IndexOf('{', StringComparison.Ordinal)];
        _toHuggingFace = pairs.ToDictionary(p => p.Item1, p => p.Item2, StringComparer.Ordinal);
        _toGguf = pairs.ToDictionary(p => p.Item2, p => p.Item1, StringComparer.Ordinal);
    }

    /// <summary>The names of a family.</summary>
    /// <param name="architecture">As config.json or a GGUF file spells it; one that is not known has the names of llama.</param>
    public static GgufNames Of(string architecture) => s_byArchitecture.GetOrAdd(architecture, a => new GgufNames(ParameterNames.Find(GgufArchitecture.ToHuggingFace(a)) ?? ParameterNames.Of("llama")));

    /// <summary>The GGUF name of a Hugging Face tensor name, or null when there is none.</summary>
    public string? ToGguf(string name) => Translate(name, _block, GgufBlock, _toGguf);

    /// <summary>The Hugging Face name of a GGUF tensor name, or null when the family has no such tensor.</summary>
    public string? ToHuggingFace(string name) => Translate(name, GgufBlock, _block, _toHuggingFace);

    /// <summary>The row order of a tensor that is stored alone: interleaved for q and k of some architectures.</summary>
    /// <param name="name">Hugging Face name.</param>
    /// <param name="architecture">As config.json or a GGUF file spells it.</param>
    public static RotaryRowOrder RowOrder(string name, string architecture, int headDim) => new(
        GgufArchitecture.InterleavesRotaryRows(architecture) && (name.Contains(".q_proj.", StringComparison.Ordinal) || name.Contains(".k_proj.", StringComparison.Ordinal)) ? headDim : 0);

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
