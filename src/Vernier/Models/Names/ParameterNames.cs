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
    public string AttentionNorm { get; init; } = "input_layernorm";
    public string FeedForwardNorm { get; init; } = "post_attention_layernorm";
    public required string FinalNorm { get; init; }
    public string Head { get; init; } = "lm_head";
    public string ProjectIn { get; init; } = "";
    public string ProjectOut { get; init; } = "";

    private static readonly ParameterNames Llama = new()
    {
        Embedding = "model.embed_tokens",
        Block = "model.layers.{0}.",
        FinalNorm = "model.norm",
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
    public static ParameterNames Of(string architecture) => architecture switch
    {
        "llama" or "mistral" or "qwen2" or "qwen3" => Llama,
        "gpt_neo" => GptNeo,
        "gptj" => GptJ,
        "opt" => Opt,
        _ => throw new NotSupportedException($"architecture '{architecture}' is not supported"),
    };
}
