// Tiny models with random weights and a tokenizer, as Hugging Face folders: one for every way in which a configuration changes the arithmetic.
import {mkdirSync, writeFileSync} from "node:fs";
import {join} from "node:path";

const rows = 328; // more than the tokenizer has: the rest is padding
const template = "{% for m in messages %}{{ '<|start|>' + m.role + '\\n' + m.content | trim + '<|end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|start|>assistant\\n' }}{% endif %}";

const plain = {hidden_size: 128, intermediate_size: 160, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, vocab_size: rows, max_position_embeddings: 256,
  rms_norm_eps: 1e-5, rope_theta: 10000, hidden_act: "silu", torch_dtype: "float32", bos_token_id: 0, eos_token_id: 1};

/** Name -> config.json. */
export const models = {
  "llama3-rope": {...plain, model_type: "llama", tie_word_embeddings: true, eos_token_id: [1, 2],
    rope_scaling: {rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64}},
  "llama-biases": {...plain, model_type: "llama", tie_word_embeddings: false, attention_bias: true, mlp_bias: true, rope_scaling: {type: "linear", factor: 4}},
  "mistral-yarn": {...plain, model_type: "mistral", tie_word_embeddings: false, sliding_window: null,
    rope_scaling: {rope_type: "yarn", factor: 4, original_max_position_embeddings: 64, attention_factor: 1}},
  "llama-yarn-betas": {...plain, model_type: "llama", tie_word_embeddings: true,
    rope_scaling: {rope_type: "yarn", factor: 4, original_max_position_embeddings: 64, beta_fast: 16, beta_slow: 2}},
  "qwen2-yarn": {...plain, model_type: "qwen2", tie_word_embeddings: true, use_sliding_window: false, rope_scaling: {rope_type: "yarn", factor: 4, original_max_position_embeddings: 64}},
  "qwen3-heads": {...plain, model_type: "qwen3", tie_word_embeddings: false, head_dim: 64, rope_parameters: {rope_type: "linear", factor: 2, rope_theta: 50000}},
};

let state = 1;
function uniform() { // mulberry32
  state = (state + 0x6D2B79F5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

function tensors(c) {
  const dim = c.head_dim ?? c.hidden_size / c.num_attention_heads;
  const [q, kv] = [c.num_attention_heads * dim, c.num_key_value_heads * dim];
  const inputBias = c.model_type === "qwen2" || c.attention_bias;
  const all = [["model.embed_tokens.weight", [rows, c.hidden_size]], ["model.norm.weight", [c.hidden_size]]];
  if (!c.tie_word_embeddings)
    all.push(["lm_head.weight", [rows, c.hidden_size]]);
  const linear = (name, out, width, bias) => {
    all.push([name + ".weight", [out, width]]);
    if (bias)
      all.push([name + ".bias", [out]]);
  };
  for (let i = 0; i < c.num_hidden_layers; i++) {
    const at = `model.layers.${i}.`;
    linear(at + "self_attn.q_proj", q, c.hidden_size, inputBias);
    linear(at + "self_attn.k_proj", kv, c.hidden_size, inputBias);
    linear(at + "self_attn.v_proj", kv, c.hidden_size, inputBias);
    linear(at + "self_attn.o_proj", c.hidden_size, q, c.attention_bias);
    linear(at + "mlp.gate_proj", c.intermediate_size, c.hidden_size, c.mlp_bias);
    linear(at + "mlp.up_proj", c.intermediate_size, c.hidden_size, c.mlp_bias);
    linear(at + "mlp.down_proj", c.hidden_size, c.intermediate_size, c.mlp_bias);
    all.push([at + "input_layernorm.weight", [c.hidden_size]], [at + "post_attention_layernorm.weight", [c.hidden_size]]);
    if (c.model_type === "qwen3")
      all.push([at + "self_attn.q_norm.weight", [dim]], [at + "self_attn.k_norm.weight", [dim]]);
  }
  return all;
}

function values(name, size) {
  const norm = name.includes("norm");
  const spread = norm || name.endsWith(".bias") ? 0.4 : 0.25;
  return Float32Array.from({length: size}, () => (norm ? 1 : 0) + (uniform() - 0.5) * 2 * spread);
}

function safetensors(path, config) {
  const header = {__metadata__: {format: "pt"}};
  const parts = [];
  let at = 0;
  for (const [name, shape] of tensors(config)) {
    const data = values(name, shape.reduce((a, b) => a * b));
    header[name] = {dtype: "F32", shape, data_offsets: [at, at += data.byteLength]};
    parts.push(Buffer.from(data.buffer));
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, ...parts]));
}

/** Bytes as GPT-2 spells them. */
function alphabet() {
  const shown = [...Array(256).keys()].filter(b => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174);
  let next = 256;
  return [...Array(256).keys()].map(b => String.fromCodePoint(shown.includes(b) ? b : next++));
}

function tokenizer() {
  const special = ["<|start|>", "<|end|>", "<|more|>"];
  const merges = [["t", "h"], ["th", "e"], ["Ġ", "the"], ["i", "n"], ["in", "g"], ["Ġ", "a"], ["e", "r"], ["o", "n"], ["Ġ", "w"], ["l", "l"]];
  const vocab = {};
  for (const piece of [...special, ...alphabet(), ...merges.map(([a, b]) => a + b)])
    vocab[piece] ??= Object.keys(vocab).length;
  const level = {type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true};
  return {version: "1.0", truncation: null, padding: null,
    added_tokens: special.map((content, id) => ({id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true})),
    normalizer: null, pre_tokenizer: level, post_processor: level, decoder: level,
    model: {type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: false,
      vocab, merges: merges.map(m => m.join(" "))}};
}

/** Writes all folders. */
export function write(folder) {
  for (const [name, config] of Object.entries(models)) {
    const to = join(folder, name);
    mkdirSync(to, {recursive: true});
    writeFileSync(join(to, "config.json"), JSON.stringify(config, null, 1));
    safetensors(join(to, "model.safetensors"), config);
    writeFileSync(join(to, "tokenizer.json"), JSON.stringify(tokenizer()));
    writeFileSync(join(to, "tokenizer_config.json"), JSON.stringify({tokenizer_class: "PreTrainedTokenizerFast", bos_token: "<|start|>", eos_token: "<|end|>", add_bos_token: false,
      chat_template: template, clean_up_tokenization_spaces: false}));
    writeFileSync(join(to, "README.md"), "---\nlicense: apache-2.0\n---\n# a model\n");
  }
}
