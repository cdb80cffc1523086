namespace Vernier.Models;

/// <summary>Hugging Face's module names of one family. Names inside a block follow <see cref="Block"/>.</summary>
internal sealed record ParameterNames
{
    public required string Embedding { get; init; }
    public string Positions { get; init; } = "";
    /// <summary>Prefix of block i, with {0} for i.</summary>
    public required string Block { get; init; }
    public string Query { get; init; } = "self_attn.q_proj";
    public string Key { get; init; } = "self_attn.k_proj";
    public string Value { get; init; } = "self_attn.v_proj";
    public string Output { get; init; } = "self_attn.o_proj";
    public string QueryNorm { get; init; } = "self_attn.q_norm";
    public string KeyNorm { get; init; } = "self_attn.k_norm";
    public string Gate { get; init; } = "mlp.gate_proj";
    public string Up { get; init; } = "mlp.up_proj";
    public string Down { get; init; } = "mlp.down_proj";
    public string Router { get; init; } = "mlp.gate";
    /// <summary>Prefix of expert e, with {0} for e.</summary>
    public string Expert { get; init; } = "mlp.experts.{0}.";
    /// <summary>Names of an expert's layers behind its prefix.</summary>
    public string ExpertGate { get; init; } = "gate_proj";
    public string ExpertUp { get; init; } = "up_proj";
    public string ExpertDown { get; init; } = "down_proj";
    /// <summary>Prefix of the expert that computes every token.</summary>
    public string SharedExpert { get; init; } = "mlp.shared_expert.";
    public string SharedExpertGate { get; init; } = "mlp.shared_expert_gate";
    public string AttentionNorm { get; init; } = "input_layernorm";
    public string FeedForwardNorm { get; init; } = "post_attention_layernorm";
    public string AttentionOutputNorm { get; init; } = "";
    public string FeedForwardOutputNorm { get; init; } = "";
    public required string FinalNorm { get; init; }
    public string Head { get; init; } = "lm_head";
    public string ProjectIn { get; init; } = "";
    public string ProjectOut { get; init; } = "";

    /// <summary>Modules inside a block whose weight a folder stores as [in, out] (Conv1D).</summary>
    public IReadOnlyList<string> Transposed { get; init; } = [];

    /// <summary>Linears that are stored as one tensor.</summary>
    public IReadOnlyList<FusedModule> Fused { get; init; } = [];

    /// <summary>The layers of an expert.</summary>
    /// <param name="prefix">Its own.</param>
    public (string Gate, string Up, string Down) OfExpert(string prefix) => (prefix + ExpertGate, prefix + ExpertUp, prefix + ExpertDown);

    /// <summary>A layer of all experts, where it is stored as one tensor.</summary>
    /// <param name="layer">Its name in each of them.</param>
    public string AllExperts(string layer) => Expert.Replace("{0}.", "", StringComparison.Ordinal) + layer;

    /// <summary>Whether a module belongs to an expert that a router chooses.</summary>
    public static bool IsOfExpert(string module) => module.Contains(".experts.", StringComparison.Ordinal);

    private static readonly ParameterNames Llama = new()
    {
        Embedding = "model.embed_tokens",
        Block = "model.layers.{0}.",
        FinalNorm = "model.norm",
    };

    private static readonly ParameterNames Mixtral = Llama with
    {
        Router = "block_sparse_moe.gate",
        Expert = "block_sparse_moe.experts.{0}.",
        ExpertGate = "w1",
        ExpertUp = "w3",
        ExpertDown = "w2",
    };

    private static readonly ParameterNames Gemma = Llama with
    {
        FeedForwardNorm = "pre_feedforward_layernorm",
        AttentionOutputNorm = "post_attention_layernorm",
        FeedForwardOutputNorm = "post_feedforward_layernorm",
    };

    private static readonly ParameterNames Olmo2 = Gemma with { AttentionNorm = "", FeedForwardNorm = "" };

    private static readonly ParameterNames Phi3 = Llama with
    {
        Fused =
        [
            new("self_attn.qkv_proj", "attn_qkv", false, "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
            new("mlp.gate_up_proj", "ffn_up", false, "mlp.gate_proj", "mlp.up_proj"),
        ],
    };

    private static readonly ParameterNames GptNeo = new()
    {
        Embedding = "transformer.wte",
        Positions = "transformer.wpe",
        Block = "transformer.h.{0}.",
        Query = "attn.attention.q_proj",
        Key = "attn.attention.k_proj",
        Value = "attn.attention.v_proj",
        Output = "attn.attention.out_proj",
        Up = "mlp.c_fc",
        Down = "mlp.c_proj",
        AttentionNorm = "ln_1",
        FeedForwardNorm = "ln_2",
        FinalNorm = "transformer.ln_f",
    };

    private static readonly ParameterNames GptJ = GptNeo with
    {
        Query = "attn.q_proj",
        Key = "attn.k_proj",
        Value = "attn.v_proj",
        Output = "attn.out_proj",
        Up = "mlp.fc_in",
        Down = "mlp.fc_out",
    };

    private static readonly ParameterNames Gpt2 = GptNeo with
    {
        Query = "attn.q_proj",
        Key = "attn.k_proj",
        Value = "attn.v_proj",
        Output = "attn.c_proj",
        Fused = [new("attn.c_attn", "attn_qkv", false, "attn.q_proj", "attn.k_proj", "attn.v_proj")],
        Transposed = ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"],
    };

    private static readonly ParameterNames GptNeoX = new()
    {
        Embedding = "gpt_neox.embed_in",
        Block = "gpt_neox.layers.{0}.",
        Query = "attention.q_proj",
        Key = "attention.k_proj",
        Value = "attention.v_proj",
        Output = "attention.dense",
        Up = "mlp.dense_h_to_4h",
        Down = "mlp.dense_4h_to_h",
        FinalNorm = "gpt_neox.final_layer_norm",
        Head = "embed_out",
        Fused = [new("attention.query_key_value", "attn_qkv", true, "attention.q_proj", "attention.k_proj", "attention.v_proj")],
    };

    private static readonly ParameterNames Falcon = GptNeoX with
    {
        Embedding = "transformer.word_embeddings",
        Block = "transformer.h.{0}.",
        Query = "self_attention.q_proj",
        Key = "self_attention.k_proj",
        Value = "self_attention.v_proj",
        Output = "self_attention.dense",
        FinalNorm = "transformer.ln_f",
        Head = "lm_head",
        Fused = [new("self_attention.query_key_value", "attn_qkv", true, "self_attention.q_proj", "self_attention.k_proj", "self_attention.v_proj")],
    };

    private static readonly ParameterNames StarCoder2 = Llama with { Up = "mlp.c_fc", Down = "mlp.c_proj" };

    private static readonly ParameterNames Opt = new()
    {
        Embedding = "model.decoder.embed_tokens",
        Positions = "model.decoder.embed_positions",
        Block = "model.decoder.layers.{0}.",
        Output = "self_attn.out_proj",
        Up = "fc1",
        Down = "fc2",
        AttentionNorm = "self_attn_layer_norm",
        FeedForwardNorm = "final_layer_norm",
        FinalNorm = "model.decoder.final_layer_norm",
        ProjectIn = "model.decoder.project_in",
        ProjectOut = "model.decoder.project_out",
    };

    /// <exception cref="NotSupportedException">The architecture is not known.</exception>
    public static ParameterNames Of(string architecture) => Find(architecture) ?? throw new NotSupportedException($"architecture '{architecture}' is not supported");

    /// <summary>Null where the architecture is not known.</summary>
    public static ParameterNames? Find(string architecture) => architecture switch
    {
        "llama" or "mistral" or "qwen2" or "qwen3" or "qwen2_moe" or "qwen3_moe" => Llama,
        "mixtral" => Mixtral,
        "granite" or "smollm3" => Llama,
        "gemma2" or "gemma3_text" => Gemma,
        "olmo2" => Olmo2,
        "phi3" => Phi3,
        "gpt2" => Gpt2,
        "gpt_neox" => GptNeoX,
        "falcon" => Falcon,
        "starcoder2" => StarCoder2,
        "gpt_neo" => GptNeo,
        "gptj" => GptJ,
        "opt" => Opt,
        _ => null,
    };
}
