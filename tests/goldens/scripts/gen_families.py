"""More model families: tiny random models in Hugging Face layout, with logits / loss / hidden states / gradients / greedy ids / router logits.
usage: gen_families.py visible OUT_DIR [NAME ...]"""
import sys, os, json, shutil, copy, math
from common import *
import transformers as T
from transformers import AutoModelForCausalLM
import gen_models as G
from gen_models import greedy
F = torch.nn.functional
RD = lambda theta=10000.0, **k: dict(rope_type=k.pop("rope_type", "default"), rope_theta=theta, **k)

VIS = {
 "gemma2": dict(cls="Gemma2Config", seed=301, std=.15, T=32, pad=6, v5=False, cfg=dict(vocab_size=256, hidden_size=48, intermediate_size=80, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, head_dim=16, query_pre_attn_scalar=24, sliding_window=7, attn_logit_softcapping=3.0, final_logit_softcapping=4.0, max_position_embeddings=128, rms_norm_eps=1e-6, rope_parameters=RD())),
 "gemma3_text": dict(cls="Gemma3TextConfig", seed=302, std=.15, T=32, pad=5, v5=False, swp=6, cfg=dict(vocab_size=240, hidden_size=40, intermediate_size=64, num_hidden_layers=7, num_attention_heads=4, num_key_value_heads=1, head_dim=16, query_pre_attn_scalar=20, sliding_window=6, max_position_embeddings=128, rms_norm_eps=1e-6, rope_parameters=dict(full_attention=RD(1000000.0), sliding_attention=RD(10000.0)))),
 "phi3": dict(cls="Phi3Config", seed=303, std=.15, T=30, pad=6, v5=False, cfg=dict(vocab_size=264, hidden_size=64, intermediate_size=80, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128, original_max_position_embeddings=128, rms_norm_eps=1e-5, sliding_window=None, tie_word_embeddings=False, pad_token_id=0, rope_parameters=RD())),
 "phi3-longrope": dict(cls="Phi3Config", seed=304, std=.15, T=28, pad=5, long=44, v5=False, cfg=dict(vocab_size=256, hidden_size=64, intermediate_size=72, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=128, original_max_position_embeddings=32, rms_norm_eps=1e-5, sliding_window=None, tie_word_embeddings=False, pad_token_id=0,
     rope_parameters=RD(rope_type="longrope", short_factor=[1.0, 1.05, 1.1, 1.25, 1.3, 1.45, 1.5, 1.6], long_factor=[1.1, 1.4, 2.0, 2.9, 3.6, 5.5, 7.0, 9.0], original_max_position_embeddings=32))),
 "qwen3_moe": dict(cls="Qwen3MoeConfig", seed=305, std=.15, T=30, pad=6, v5=False, cfg=dict(vocab_size=256, hidden_size=48, intermediate_size=96, moe_intermediate_size=28, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16, num_experts=6, num_experts_per_tok=2, decoder_sparse_step=1, norm_topk_prob=True, mlp_only_layers=[], max_position_embeddings=128, rms_norm_eps=1e-6, tie_word_embeddings=False, rope_parameters=RD(1000000.0))),
 "qwen2_moe": dict(cls="Qwen2MoeConfig", seed=316, std=.15, T=28, pad=6, v5=False, cfg=dict(vocab_size=224, hidden_size=40, intermediate_size=72, moe_intermediate_size=24, shared_expert_intermediate_size=52, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, num_experts=5, num_experts_per_tok=2, decoder_sparse_step=1, norm_topk_prob=False, mlp_only_layers=[], max_position_embeddings=128, rms_norm_eps=1e-6, tie_word_embeddings=False, use_sliding_window=False, rope_parameters=RD(1000000.0))),
 "mixtral": dict(cls="MixtralConfig", seed=306, std=.15, T=30, pad=7, v5=False, cfg=dict(vocab_size=248, hidden_size=48, intermediate_size=52, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2, max_position_embeddings=128, rms_norm_eps=1e-5, sliding_window=None, tie_word_embeddings=False, rope_parameters=RD(1000000.0))),
 "olmo2": dict(cls="Olmo2Config", seed=307, std=.15, T=32, pad=6, v5=False, cfg=dict(vocab_size=256, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-6, tie_word_embeddings=False, pad_token_id=1, rope_parameters=RD(500000.0))),
 "granite": dict(cls="GraniteConfig", seed=308, std=.15, T=32, pad=6, v5=False, cfg=dict(vocab_size=272, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, embedding_multiplier=2.5, attention_multiplier=0.09, residual_multiplier=0.6, logits_scaling=0.6, max_position_embeddings=128, rms_norm_eps=1e-5, tie_word_embeddings=True, rope_parameters=RD())),
 "smollm3": dict(cls="SmolLM3Config", seed=309, std=.15, T=32, pad=5, v5=False, cfg=dict(vocab_size=256, hidden_size=48, intermediate_size=88, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, no_rope_layer_interval=4, no_rope_layers=[1, 1, 1, 0], max_position_embeddings=128, rms_norm_eps=1e-6, tie_word_embeddings=True, pad_token_id=0, rope_parameters=RD(5000000.0))),
 "gpt2": dict(cls="GPT2Config", seed=310, std=.12, T=32, pad=6, v5=False, cfg=dict(vocab_size=256, n_embd=48, n_layer=2, n_head=4, n_positions=64, activation_function="gelu_new", layer_norm_epsilon=1e-5, resid_pdrop=0., embd_pdrop=0., attn_pdrop=0.)),
 "gpt_neox": dict(cls="GPTNeoXConfig", seed=311, std=.13, T=32, pad=6, v5=False, cfg=dict(vocab_size=264, hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4, hidden_act="gelu", layer_norm_eps=1e-5, max_position_embeddings=128, use_parallel_residual=True, tie_word_embeddings=False, attention_bias=True, rope_parameters=RD(partial_rotary_factor=0.25))),
 "starcoder2": dict(cls="Starcoder2Config", seed=312, std=.13, T=34, pad=6, v5=False, cfg=dict(vocab_size=256, hidden_size=64, intermediate_size=104, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, sliding_window=8, use_bias=True, norm_epsilon=1e-5, max_position_embeddings=128, residual_dropout=0., embedding_dropout=0., tie_word_embeddings=True, rope_parameters=RD(100000.0))),
 "falcon": dict(cls="FalconConfig", seed=313, std=.15, T=32, pad=6, v5=False, cfg=dict(vocab_size=256, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, multi_query=True, parallel_attn=True, bias=False, alibi=False, new_decoder_architecture=False, layer_norm_epsilon=1e-5, max_position_embeddings=128, ffn_hidden_size=112, tie_word_embeddings=True, rope_parameters=RD())),
 "llama-yarn": dict(cls="LlamaConfig", seed=314, std=.15, T=48, pad=7, v5=False, cfg=dict(vocab_size=256, hidden_size=64, intermediate_size=88, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=256, rms_norm_eps=1e-5, tie_word_embeddings=False, rope_parameters=RD(500.0, rope_type="yarn", factor=4.0, original_max_position_embeddings=64))),
 "llama-linear": dict(cls="LlamaConfig", seed=315, std=.15, T=36, pad=6, v5=False, old_type=True, cfg=dict(vocab_size=256, hidden_size=64, intermediate_size=88, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=128, rms_norm_eps=1e-5, tie_word_embeddings=True, rope_parameters=RD(rope_type="linear", factor=3.0))),
 "llama-dynamic": dict(cls="LlamaConfig", seed=317, std=.15, T=48, pad=0, short=26, v5=False, old_type=True, cfg=dict(vocab_size=256, hidden_size=64, intermediate_size=88, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=32, rms_norm_eps=1e-5, tie_word_embeddings=False, rope_parameters=RD(rope_type="dynamic", factor=2.0))),
}
HID = {}

# q/k are drawn wider so that the attention is far from flat
QK = dict(gemma2=2.0, gemma3_text=1.0, phi3=1.6, qwen3_moe=1.0, qwen2_moe=1.6, mixtral=1.7, olmo2=1.0, granite=1.6, smollm3=1.6, gpt2=2.0, gpt_neox=1.8, starcoder2=1.6, falcon=1.6, llama=1.6)
ROUTER = 3.0        # router weights wider: clear routing decisions


def qk_rows(c, n):
    """(start, end) slices of the output dimension that are q or k in a fused projection; None = all of it"""
    t = c.model_type; H = c.num_attention_heads
    if ".q_proj." in n or ".k_proj." in n: return None
    hd = (getattr(c, "head_dim", None) or c.hidden_size // H)
    if "qkv_proj" in n: return [(0, (H + c.num_key_value_heads) * hd)]
    if "c_attn" in n: return [(0, 2 * c.hidden_size)]
    if "query_key_value" in n and t == "gpt_neox": return [(i * 3 * hd, i * 3 * hd + 2 * hd) for i in range(H)]
    if "query_key_value" in n: return [(0, (H + 1) * hd)]
    return []


def init_(model, seed, std):
    c = model.config; t = c.model_type; gem = t.startswith("gemma")
    for i, (n, p) in enumerate(sorted(model.named_parameters())):
        r = randn(gen(seed * 1000 + i), *p.shape)
        if p.dim() >= 2:
            v = r * std; rows = qk_rows(c, n); qk = QK[t]
            if rows is None: v = v * qk
            for a, b in rows or []:
                if "c_attn" in n: v[:, a:b] *= qk        # Conv1D: [in, out]
                else: v[a:b] *= qk
            if n.endswith((".gate.weight", "shared_expert_gate.weight")): v = v * ROUTER
        elif n.endswith("bias"): v = r * 0.15
        elif n.endswith(("q_norm.weight", "k_norm.weight")): v = (0.0 if gem else 1.0) + 0.5 + 0.3 * r
        else: v = (0.0 if gem else 1.0) + (0.25 if gem else 0.2) * r           # norm weights; gemma multiplies by 1 + w
        with torch.no_grad(): p.copy_(v)


def to_published(d, sp):
    """rewrite a transformers-5 config dict into the keys used by published checkpoints of the family"""
    d = copy.deepcopy(d); t = d["model_type"]; rp = d.pop("rope_parameters", None)
    def scaling(r):
        r = {k: v for k, v in r.items() if k not in ("rope_theta", "partial_rotary_factor")}
        if r.get("rope_type", "default") == "default": return None
        if sp.get("old_type") or t == "phi3": r["type"] = r.pop("rope_type")
        if t == "phi3": r.pop("original_max_position_embeddings", None)
        return r
    if t == "gemma3_text":
        d["rope_theta"] = rp["full_attention"]["rope_theta"]; d["rope_local_base_freq"] = rp["sliding_attention"]["rope_theta"]
        d["rope_scaling"] = scaling(rp["full_attention"]); d["sliding_window_pattern"] = sp["swp"]
    elif rp:
        if t == "gpt_neox": d["rotary_emb_base"] = rp["rope_theta"]; d["rotary_pct"] = rp.get("partial_rotary_factor", .25)
        else:
            d["rope_theta"] = rp["rope_theta"]
            if rp.get("partial_rotary_factor", 1.0) != 1.0: d["partial_rotary_factor"] = rp["partial_rotary_factor"]
        if t not in ("gpt_neox", "falcon", "mixtral", "starcoder2"): d["rope_scaling"] = scaling(rp)
    if t in ("gemma2", "gemma3_text"): d["hidden_act"] = d["hidden_activation"]
    if t == "falcon":
        d.pop("num_kv_heads", None)
        if d["ffn_hidden_size"] == 4 * d["hidden_size"]: d.pop("ffn_hidden_size")
    if t == "gpt2": d["n_ctx"] = d["n_positions"]
    if t in ("qwen3_moe", "qwen2_moe") and "num_local_experts" in d: d["num_experts"] = d.pop("num_local_experts")
    if "dtype" in d: d["torch_dtype"] = d.pop("dtype")
    d.pop("layer_types", None); d.pop("use_bidirectional_attention", None)
    d["transformers_version"] = "4.44.0"
    return d


# ---- names and layout of the published checkpoints -------------------------------------------------------------
def published(name, t, c, noprefix=False):
    """model parameter (name, tensor) -> list of (checkpoint name, tensor)"""
    m = t; mt = c.model_type
    if ".experts.gate_up_proj" in name or ".experts.down_proj" in name:
        base, kind = name.rsplit(".", 1); out = []
        if mt == "mixtral": base = base.replace(".mlp.", ".block_sparse_moe.")
        for e in range(t.shape[0]):
            if kind == "gate_up_proj":
                h = t.shape[1] // 2; a, b = ("w1", "w3") if mt == "mixtral" else ("gate_proj", "up_proj")
                out += [(f"{base}.{e}.{a}.weight", t[e, :h]), (f"{base}.{e}.{b}.weight", t[e, h:])]
            else: out.append((f"{base}.{e}.{'w2' if mt == 'mixtral' else 'down_proj'}.weight", t[e]))
        return out
    if mt == "mixtral" and ".mlp.gate." in name: name = name.replace(".mlp.gate.", ".block_sparse_moe.gate.")
    if mt == "gpt_neox" and name == "lm_head.weight": name = "embed_out.weight"
    if mt == "gpt2" and noprefix and name.startswith("transformer."): name = name[len("transformer."):]
    return [(name, m)]


def published_dict(model, named, sp):
    out = {}
    for n, t in named:
        for k, v in published(n, t, model.config, sp.get("noprefix")): out[k] = v.detach().clone().contiguous()
    return out


def head_post(model, y):
    c = model.config
    if getattr(c, "final_logit_softcapping", None): y = torch.tanh(y / c.final_logit_softcapping) * c.final_logit_softcapping
    if c.model_type == "granite": y = y / c.logits_scaling
    return y


MOE = ("qwen3_moe", "qwen2_moe", "mixtral")


@torch.no_grad()
def router_logits(model, ids, am=None):
    """[layer number -> [B,T,E]] by hooks on the router's linear map (independent of output_router_logits)"""
    got = {}; hs = []
    for n, m in model.named_modules():
        if n.endswith(".gate") and hasattr(m, "weight") and m.weight.dim() == 2:
            i = int(n.split(".")[2]); hs.append(m.register_forward_pre_hook(lambda mod, a, i=i: got.__setitem__(i, F.linear(a[0].reshape(ids.shape[0], ids.shape[1], -1), mod.weight).detach())))
    model(input_ids=ids, attention_mask=am, use_cache=False)
    for h in hs: h.remove()
    return got


def route_margin(rl, k, m=None):
    """least distance between the k-th and (k+1)-th router logit, and between any two of the first k (their order does not matter, only the set does)"""
    best = 1e9
    for r in rl.values():
        r = r[m] if m is not None else r.reshape(-1, r.shape[-1]); t = torch.sort(r, -1, descending=True).values
        best = min(best, float((t[:, k - 1] - t[:, k]).min()))
    return best


def from_config(cfg):
    cfg = copy.deepcopy(cfg); cfg._attn_implementation = "eager"; cfg._experts_implementation = "eager"
    return AutoModelForCausalLM.from_config(cfg, attn_implementation="eager", experts_implementation="eager").eval()


def fresh(cfg, sd, dtype=F32):
    m = from_config(cfg).to(dtype)
    m.load_state_dict({k: v.to(dtype) for k, v in sd.items()})
    if m.config.tie_word_embeddings: m.tie_weights()
    return m


def batch(V, L, pad, seed, padid):
    ids = torch.randint(3, V, (2, L), generator=gen(seed)); am = torch.ones(2, L, dtype=torch.long)
    if pad: am[1, L - pad:] = 0
    ids[am == 0] = padid; labels = ids.clone(); labels[am == 0] = -100; labels[0, :4] = -100
    return ids, am, labels


def run_case(model, cfg, ids, am, labels, sp):
    """all expected tensors of one batch + measured gaps"""
    sd = model.state_dict(); mm = fresh(cfg, sd)       # fresh: dynamic RoPE keeps state
    lg, loss, hs, gr = G.forward_all(mm, ids, am, labels)
    with true_f64():
        m64 = fresh(cfg, sd, F64); lg64, loss64, hs64, gr64 = G.forward_all(m64, ids, am, labels)
    assert lg64.dtype == F64 and loss64.dtype == F64
    m = am.bool(); sl, st = lg64[:, :-1][m[:, 1:]], labels[:, 1:][m[:, 1:]]; sel = st != -100
    own = F.cross_entropy(sl[sel], st[sel]); assert abs(float(own - loss64)) < 1e-9, "loss is not plain cross entropy"
    z = lambda t: t * m[..., None].to(t.dtype)
    out = {"input_ids": ids, "attention_mask": am, "labels": labels, "logits": z(lg), "loss": loss.reshape(1), "loss_f64": loss64.reshape(1)}
    for i, h in enumerate(hs): out[f"hidden.{i}"] = z(h)
    gr, gr64 = published_dict(model, gr.items(), sp), published_dict(model, gr64.items(), sp)
    for n, gd in gr.items(): out["grad." + n] = gd
    gmax = {n: float(gr64[n].abs().max()) for n in gr}; top = max(gmax.values())
    near0 = {n: v for n, v in gmax.items() if v < 1e-7 * top}
    meta = dict(loss=float(loss), loss_f64=float(loss64), grad_norm_f64=float(torch.sqrt(sum((g.double() ** 2).sum() for g in gr64.values()))),
        fp32_vs_fp64=dict(logits_max_abs=maxabs(lg[m], lg64[m]), logits_abs_max=float(lg64[m].abs().max()), loss_abs=abs(float(loss) - float(loss64)),
            hidden_max_abs=[maxabs(a[m], b[m]) for a, b in zip(hs, hs64)], hidden_abs_max=[float(b[m].abs().max()) for b in hs64],
            grad_max_abs_over_global_max=max(maxabs(gr[n], gr64[n]) for n in gr) / top, grad_max_rel_worst_param=max(((relmax(gr[n], gr64[n]), n) for n in gr if n not in near0), default=None)),
        zero_or_noise_gradients=near0)
    if cfg.model_type in MOE:
        rl = router_logits(mm, ids, am); k = cfg.num_experts_per_tok
        with torch.no_grad(): o = fresh(cfg, sd)(input_ids=ids, attention_mask=am, use_cache=False, output_router_logits=True).router_logits
        assert len(o) == len(rl) and all(torch.equal(a.reshape(b.shape), b) for a, (_, b) in zip(o, sorted(rl.items())))
        with true_f64(): rl64 = router_logits(m64, ids, am)
        for i, r in sorted(rl.items()): out[f"router.{i}"] = z(r)
        meta["router"] = dict(layers=sorted(rl), top_k=k, least_margin_top_k=route_margin(rl, k, m), router_logits_max_abs_fp32_vs_fp64=max(maxabs(rl[i][m], rl64[i][m]) for i in rl),
            experts_used_per_layer=[len(set(torch.topk(rl[i][m], k, -1).indices.flatten().tolist())) for i in sorted(rl)])
    head = mm.get_output_embeddings()
    with torch.no_grad(): meta["head_of_last_hidden_equals_logits_max_abs"] = maxabs(head_post(mm, head(hs[-1]))[m], lg[m])
    return out, meta, lg


# ---- sensitivity: what a reader gets who forgets a feature --------------------------------------------------------
def logits_of(m, ids, am):
    with torch.no_grad(): return m(input_ids=ids, attention_mask=am, use_cache=False).logits


def zero_(f):
    def go(m):
        for n, p in m.named_parameters():
            if f(n):
                with torch.no_grad(): p.zero_()
    return go


def sub_norm(m):
    for n, p in m.named_parameters():
        if "norm" in n:
            with torch.no_grad(): p.sub_(1.0)


def ident(*ends):
    def go(m):
        for n, mod in list(m.named_modules()):
            if n.endswith(ends):
                par = m.get_submodule(n.rsplit(".", 1)[0]); setattr(par, n.rsplit(".", 1)[1], torch.nn.Identity())
    return go


def perm_rows(match, f, dim=0):
    def go(m):
        for n, p in m.named_parameters():
            if match in n:
                with torch.no_grad(): p.copy_(f(p.detach().clone(), m.config))
    return go


def swap_halves(p, dim): a, b = p.chunk(2, dim); return torch.cat([b, a], dim)
def deinterleave(p, c):      # reads [heads, 3, hd] as if it were [3, heads, hd]
    H = c.num_attention_heads; return p.reshape(3, H, -1, *p.shape[1:]).transpose(0, 1).reshape(p.shape)


def topk_patch(mod):
    def go(m):
        for n, x in m.named_modules():
            if n.endswith(".gate") and hasattr(x, "top_k"):
                old = x.forward
                x.forward = (lambda h, x=x: mod(x, F.linear(h.reshape(-1, h.shape[-1]), x.weight)))
    return go


def route(x, lg, norm):
    p = torch.softmax(lg, -1); v, i = torch.topk(p, x.top_k, -1); return lg, (v / v.sum(-1, keepdim=True) if norm else v), i


def per_head_qk(m):
    for n, x in m.named_modules():
        if n.endswith(("q_norm", "k_norm")):
            hd = m.config.hidden_size // m.config.num_attention_heads
            def fw(h, x=x): s = h.shape; g = h.reshape(*s[:-1], -1, hd); g = g * torch.rsqrt(g.pow(2).mean(-1, keepdim=True) + x.variance_epsilon); return g.reshape(s) * x.weight
            x.forward = fw


def pre_norm(m):
    for L in m.model.layers:
        def fw(hidden_states, attention_mask=None, position_ids=None, past_key_values=None, use_cache=None, position_embeddings=None, L=L, **k):
            a, _ = L.self_attn(hidden_states=L.post_attention_layernorm(hidden_states), attention_mask=attention_mask, position_ids=position_ids, past_key_values=past_key_values, position_embeddings=position_embeddings)
            h = hidden_states + a; return h + L.mlp(L.post_feedforward_layernorm(h))
        L.forward = fw


def embed_scale_off(m): m.model.embed_tokens.embed_scale.fill_(1.0)
def set_scaling(x):
    def go(m): m.model.rotary_emb.attention_scaling = x
    return go


def act(fn): return lambda m: [setattr(x, "act_fn" if hasattr(x, "act_fn") else "act", fn) for n, x in m.named_modules() if hasattr(x, "act_fn") or (hasattr(x, "act") and callable(x.act))]
gelu_exact, gelu_tanh = torch.nn.GELU(), torch.nn.GELU(approximate="tanh")


def sens(cfg):
    """[(label, config changes, patch, small)]; small = only recorded, no lower bound asserted"""
    t = cfg.model_type; c = cfg; L = getattr(c, "layer_types", None); S = []
    a = lambda l, ch=None, p=None, small=False: S.append((l, ch or {}, p, small))
    flip = {"sliding_attention": "full_attention", "full_attention": "sliding_attention"}
    hd = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
    if t in ("gemma2", "gemma3_text"):
        a("no_plus_one_in_norms", p=sub_norm); a("no_embedding_scale", p=embed_scale_off); a("scale_by_head_dim_instead_of_query_pre_attn_scalar", dict(query_pre_attn_scalar=hd))
        a("no_sliding_window", dict(layer_types=["full_attention"] * len(L))); a("window_one_larger", dict(sliding_window=c.sliding_window + 1)); a("sliding_and_full_layers_exchanged", dict(layer_types=[flip[x] for x in L]))
        a("no_post_norms", p=ident(".post_attention_layernorm", ".post_feedforward_layernorm")); a("gelu_exact_instead_of_tanh", p=act(gelu_exact), small=True)
    if t == "gemma2": a("no_attention_softcap", dict(attn_logit_softcapping=None)); a("no_final_softcap", dict(final_logit_softcapping=None))
    if t == "gemma3_text":
        a("no_qk_norm", p=ident(".q_norm", ".k_norm")); r = c.rope_parameters
        a("global_rope_base_everywhere", dict(rope_parameters=dict(full_attention=r["full_attention"], sliding_attention=r["full_attention"]))); a("local_rope_base_everywhere", dict(rope_parameters=dict(full_attention=r["sliding_attention"], sliding_attention=r["sliding_attention"])))
        if r["full_attention"]["rope_type"] != "default": a("no_rope_scaling_in_full_layers", dict(rope_parameters=dict(full_attention=RD(r["full_attention"]["rope_theta"]), sliding_attention=r["sliding_attention"]))); a("rope_scaling_in_all_layers", dict(rope_parameters=dict(full_attention=r["full_attention"], sliding_attention={**r["full_attention"], "rope_theta": r["sliding_attention"]["rope_theta"]})))
    if t == "phi3":
        kv = c.num_key_value_heads * hd; q = c.num_attention_heads * hd
        a("gate_and_up_exchanged", p=perm_rows("gate_up_proj", lambda p, c: swap_halves(p, 0))); a("k_and_v_exchanged", p=perm_rows("qkv_proj", lambda p, c: torch.cat([p[:q], p[q + kv:], p[q:q + kv]])))
        if c.sliding_window: a("no_sliding_window", dict(sliding_window=None)); a("window_one_larger", dict(sliding_window=c.sliding_window + 1))
        r = c.rope_parameters
        if r["rope_type"] == "longrope":
            a("long_factors_instead_of_short", dict(rope_parameters={**r, "short_factor": r["long_factor"]})); a("plain_rope", dict(rope_parameters={k: v for k, v in r.items() if k in ("rope_theta", "partial_rotary_factor")} | {"rope_type": "default"})); a("no_attention_factor", p=set_scaling(1.0))
        if r.get("partial_rotary_factor", 1.0) != 1.0: a("rotate_whole_head_with_padded_factors", dict(rope_parameters={**r, "partial_rotary_factor": 1.0, "short_factor": r["short_factor"] + [1.0] * (hd // 2 - len(r["short_factor"])), "long_factor": r["long_factor"] + [1.0] * (hd // 2 - len(r["long_factor"]))}))
    if t in MOE:
        norm = getattr(c, "norm_topk_prob", True)
        a("routing_weights_not_normalized" if norm else "routing_weights_normalized", p=topk_patch(lambda x, lg: route(x, lg, not norm)))
        a("one_expert_less", dict(num_experts_per_tok=c.num_experts_per_tok - 1)); a("gate_and_up_exchanged_in_experts", p=perm_rows("experts.gate_up_proj", lambda p, c: swap_halves(p, 1)))
        def first_k(x, lg): v, i = route(x, lg, norm)[1:]; return lg, v, (i + 1) % lg.shape[-1]
        a("next_expert_taken", p=topk_patch(first_k))
        if t == "qwen3_moe": a("no_qk_norm", p=ident(".q_norm", ".k_norm"))
        if t == "qwen2_moe":
            a("no_shared_expert", p=zero_(lambda n: "shared_expert.down_proj" in n))
            a("shared_expert_gate_without_sigmoid_weight", p=zero_(lambda n: "shared_expert_gate" in n))
    if t == "olmo2": a("qk_norm_per_head", p=per_head_qk); a("no_qk_norm", p=ident(".q_norm", ".k_norm")); a("pre_norm_instead_of_post_norm", p=pre_norm)
    if t == "granite":
        a("embedding_multiplier_1", dict(embedding_multiplier=1.0)); a("residual_multiplier_1", dict(residual_multiplier=1.0)); a("attention_scale_by_head_dim", dict(attention_multiplier=hd ** -.5)); a("logits_scaling_1", dict(logits_scaling=1.0)); a("logits_scaling_multiplied", dict(logits_scaling=1.0 / c.logits_scaling))
    if t == "smollm3": a("rope_in_all_layers", dict(no_rope_layers=[1] * c.num_hidden_layers)); a("no_rope_layers_read_inverted", dict(no_rope_layers=[1 - x for x in c.no_rope_layers]))
    if t == "gpt2":
        a("square_c_proj_not_transposed", p=perm_rows("attn.c_proj.weight", lambda p, c: p.t().contiguous())); a("gelu_exact_instead_of_tanh", p=act(gelu_exact), small=True); a("no_position_embedding", p=zero_(lambda n: "wpe" in n))
        if c.scale_attn_by_inverse_layer_idx: a("no_scale_by_inverse_layer_idx", dict(scale_attn_by_inverse_layer_idx=False))
    if t == "gpt_neox":
        r = c.rope_parameters
        a("parallel_residual_inverted", dict(use_parallel_residual=not c.use_parallel_residual)); a("rotary_whole_head", dict(rope_parameters={**r, "partial_rotary_factor": 1.0})); a("qkv_read_as_three_blocks", p=perm_rows("query_key_value", deinterleave)); a("gelu_other_kind", p=act(gelu_tanh if c.hidden_act == "gelu" else gelu_exact), small=True)
    if t == "starcoder2":
        a("no_biases", p=zero_(lambda n: n.endswith("bias") and "norm" not in n)); a("no_sliding_window", dict(sliding_window=None)); a("window_one_larger", dict(sliding_window=c.sliding_window + 1)); a("gelu_exact_instead_of_tanh", p=act(gelu_exact), small=True)
    if t == "falcon":
        a("qkv_heads_exchanged_k_first", p=perm_rows("query_key_value", lambda p, c: torch.cat([p[-2 * hd:-hd], p[:-2 * hd], p[-hd:]]))); a("k_and_v_exchanged", p=perm_rows("query_key_value", lambda p, c: torch.cat([p[:-2 * hd], p[-hd:], p[-2 * hd:-hd]])))
        a("no_rope", dict(rope_parameters=RD(1e-9 + 1.0, rope_type="linear", factor=1e9))); a("gelu_tanh_instead_of_exact", p=act(gelu_tanh), small=True)
        if c.bias: a("no_biases", p=zero_(lambda n: n.endswith("bias") and "norm" not in n and "ln_" not in n))
    if t == "llama":
        r = c.rope_parameters; th = r["rope_theta"]; ty = r["rope_type"]; a("plain_rope", dict(rope_parameters=RD(th)))
        if ty == "yarn": a("no_attention_factor", p=set_scaling(1.0)); a("linear_instead_of_yarn", dict(rope_parameters=RD(th, rope_type="linear", factor=r["factor"])))
        if ty == "yarn" and "beta_fast" in r: a("default_betas", dict(rope_parameters={k: v for k, v in r.items() if not k.startswith("beta")})); a("attention_factor_from_formula", dict(rope_parameters={k: v for k, v in r.items() if k != "attention_factor"}))
        if ty == "yarn": a("correction_range_not_rounded", dict(rope_parameters={**r, "truncate": False}))
        if ty == "linear": a("factor_multiplied_not_divided", dict(rope_parameters=RD(th, rope_type="linear", factor=1 / r["factor"])))
        if ty == "dynamic": a("linear_instead_of_dynamic", dict(rope_parameters=RD(th, rope_type="linear", factor=r["factor"]))); a("base_for_the_whole_max_position_times_factor", p=lambda m: None)
    return S


def sensitivity(model, cfg, ids, am, lg):
    sd = model.state_dict(); m = am.bool(); rep = {}
    for label, ch, patch, small in sens(cfg):
        if label.startswith("base_for_the_whole"):      # static NTK at max_position * factor instead of the sequence's length
            r = cfg.rope_parameters; d = cfg.head_dim; n = cfg.max_position_embeddings * r["factor"]; b = r["rope_theta"] * (r["factor"] * n / cfg.max_position_embeddings - (r["factor"] - 1)) ** (d / (d - 2)); ch = dict(rope_parameters=RD(b)); patch = None
        dd = cfg.to_dict(); dd.update(ch); c2 = type(cfg)(**{k: v for k, v in dd.items() if k not in ("model_type", "transformers_version")}); c2._attn_implementation = "eager"
        try:
            m2 = from_config(c2)
            m2.load_state_dict({k: v for k, v in sd.items()}, strict=True)
            if c2.tie_word_embeddings: m2.tie_weights()
            if patch: patch(m2)
            d = maxabs(logits_of(m2, ids, am)[m], lg[m])
        except Exception as e: raise RuntimeError(f"{label}: {type(e).__name__} {e}")
        rep[label] = d
        if not small: assert d > 1e-2, (label, d)
    return rep


def make(name, sp, root):
    folder = os.path.join(root, name); shutil.rmtree(folder, ignore_errors=True); os.makedirs(folder)
    cfg = getattr(T, sp["cls"])(**copy.deepcopy(sp["cfg"]) | ({"sliding_window_pattern": sp["swp"]} if "swp" in sp else {})); cfg._attn_implementation = "eager"; cfg.bos_token_id = 0; cfg.eos_token_id = 2
    model = from_config(cfg).to(F32)
    init_(model, sp["seed"], sp["std"]); model.generation_config = T.GenerationConfig()
    tmp = os.path.join(root, "_tmp_" + name); shutil.rmtree(tmp, ignore_errors=True); os.makedirs(tmp)
    model.save_pretrained(tmp); saved = load_file(os.path.join(tmp, "model.safetensors"))
    # published layout
    named = [(n, p) for n, p in model.named_parameters()]
    w = published_dict(model, named, sp)
    if cfg.model_type == "gpt2" and sp.get("noprefix"): assert set("transformer." + k for k in w) == set(saved)
    else: assert set(w) == set(saved), (sorted(set(w) ^ set(saved)))[:8]
    assert all(torch.equal(w[k], saved["transformer." + k if sp.get("noprefix") else k]) for k in w)
    save_file(w, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    d5 = json.load(open(os.path.join(tmp, "config.json"))); d5.pop("_name_or_path", None); d5.pop("_sliding_window_pattern", None); d4 = to_published(d5, sp)
    a, b = (d5, d4) if sp["v5"] else (d4, d5)
    jdump(os.path.join(folder, "config.json"), a); jdump(os.path.join(folder, "config.v4.json" if sp["v5"] else "config.v5.json"), b)
    # both config spellings must load to the same model
    chk = [(torch.arange(3, 23)[None])] + [torch.randint(3, cfg.vocab_size, (1, n), generator=gen(5)) for n in (sp["T"], sp.get("long"), sp.get("short")) if n]
    for d in (d4, d5):
        shutil.rmtree(tmp); os.makedirs(tmp); jdump(os.path.join(tmp, "config.json"), d); shutil.copy(os.path.join(folder, "model.safetensors"), tmp)
        m2, info = AutoModelForCausalLM.from_pretrained(tmp, attn_implementation="eager", experts_implementation="eager", dtype=F32, output_loading_info=True); m2.eval()
        assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], (name, info)
        for ids in chk:
            x, y = logits_of(m2, ids, None), logits_of(fresh(cfg, model.state_dict()), ids, None); assert torch.equal(x, y), (name, d is d4, maxabs(x, y))
            m2 = fresh(m2.config, m2.state_dict())
    shutil.rmtree(tmp)

    V, L, pad = cfg.vocab_size, sp["T"], sp["pad"]; padid = cfg.pad_token_id if getattr(cfg, "pad_token_id", None) is not None else 0
    moe = cfg.model_type in MOE; K = getattr(cfg, "num_experts_per_tok", 0)
    for k in range(200):
        ids, am, labels = batch(V, L, pad, sp["seed"] + 7 + 1000 * k, padid)
        if not moe or route_margin(router_logits(model, ids, am), K, am.bool()) > 3e-3: break
    else: raise RuntimeError("no clear routing for " + name)
    out, meta, lg = run_case(model, cfg, ids, am, labels, sp)
    with torch.no_grad(): att = model(input_ids=ids[:1], output_attentions=True, use_cache=False).attentions
    ent = [float((-(a.double().clamp_min(1e-30) * a.double().clamp_min(1e-30).log()).sum(-1))[..., -1].mean()) for a in att]
    # greedy, with a clear margin at each step
    limit = min(x for x in (cfg.max_position_embeddings if cfg.model_type != "gpt2" else cfg.n_positions, (getattr(cfg, "rope_parameters", None) or {}).get("original_max_position_embeddings") if "rope_type" in (getattr(cfg, "rope_parameters", None) or {}) and cfg.rope_parameters["rope_type"] == "longrope" else 10 ** 9) if x)
    assert limit >= 29
    for k in range(400):
        pr = torch.randint(3, V, (1, 5), generator=gen(sp["seed"] * 50 + k)); gm = fresh(cfg, model.state_dict())
        gi, gl, mg, gap, same = greedy(gm, pr, 24)
        if not (mg > 2e-2 and same and len(set(gi.tolist())) >= 6): continue
        gr_m = route_margin(router_logits(model, torch.cat([pr, gi[None, :-1]], 1)), K) if moe else None
        if moe and gr_m < 1e-3: continue
        break
    else: raise RuntimeError("no clear greedy prompt for " + name)
    out["gen.prompt_ids"] = pr[0]; out["gen.output_ids"] = gi; out["gen.logits"] = gl
    save(os.path.join(folder, "expected.safetensors"), out)
    m = am.bool(); probs = torch.softmax(lg[m].double(), -1)
    meta = dict(name=name, seed=sp["seed"], init_std=sp["std"], model_class=type(model).__name__, attn_implementation="eager", dtype="float32", batch=2, seq=L, right_padding_in_row_1=pad, pad_token_id_used=padid,
        n_valid_label_positions=int((labels[:, 1:] != -100).sum()), config_json_style="transformers 5 keys" if sp["v5"] else "published (v4) keys", params=sum(p.numel() for p in model.parameters()), tied_embeddings=bool(cfg.tie_word_embeddings),
        uniform_loss=float(np.log(V)), mean_prob_entropy=float((-(probs * probs.clamp_min(1e-300).log()).sum(-1)).mean()), last_query_attention_entropy_per_layer=ent, uniform_attention_entropy=float(np.log(L)), **meta,
        hidden_states_note="hidden.0 = input of block 0 (embeddings, already scaled where the family scales them); hidden.i = output of block i; the last one is what the LM head reads (after the final norm, before any logit scaling or soft cap)",
        greedy=dict(prompt_len=5, new_tokens=24, min_top1_top2_margin=mg, cache_vs_nocache_max_abs=gap, same_ids_without_cache=same, **({"least_routing_margin": gr_m} if moe else {})))
    meta["sensitivity"] = sensitivity(model, cfg, ids, am, lg)
    if "long" in sp:        # a second batch whose unpadded rows are all longer than the original context
        L2 = sp["long"]; o = cfg.rope_parameters["original_max_position_embeddings"]; assert L2 - pad > o and L <= o and limit >= 29
        ids2, am2, lab2 = batch(V, L2, pad, sp["seed"] + 77, padid); out2, me2, lg2 = run_case(model, cfg, ids2, am2, lab2, sp)
        save(os.path.join(folder, "expected_long.safetensors"), {k: v for k, v in out2.items() if not k.startswith("grad.")})
        c2 = copy.deepcopy(cfg); c2.rope_parameters = {**cfg.rope_parameters, "long_factor": cfg.rope_parameters["short_factor"]}
        me2["sensitivity"] = {"short_factors_instead_of_long": maxabs(logits_of(fresh(c2, model.state_dict()), ids2, am2)[am2.bool()], lg2[am2.bool()])}; assert me2["sensitivity"]["short_factors_instead_of_long"] > 1e-2
        me2.update(seq=L2, note="same model, both rows longer than original_max_position_embeddings = %d also without padding: the long factors apply to every position. The sequence length of the whole (padded) batch decides in transformers." % o)
        meta["expected_long"] = me2; meta["attention_factor"] = float(model.model.rotary_emb.attention_scaling)
    if "short" in sp:       # dynamic RoPE: a batch within the trained length must use the plain base
        L2 = sp["short"]; ids2, am2, lab2 = batch(V, L2, 5, sp["seed"] + 77, padid); out2, me2, lg2 = run_case(model, cfg, ids2, am2, lab2, sp); assert L2 < cfg.max_position_embeddings < L
        save(os.path.join(folder, "expected_short.safetensors"), {k: v for k, v in out2.items() if not k.startswith("grad.")}); me2["seq"] = L2; me2["right_padding_in_row_1"] = 5; meta["expected_short"] = me2
        r = cfg.rope_parameters; d = cfg.head_dim
        meta["dynamic"] = dict(formula="theta' = theta * (factor*T/max_position_embeddings - (factor-1))^(d/(d-2)), T = length of the batch, when T > max_position_embeddings; all positions use it", theta_used=r["rope_theta"] * (r["factor"] * L / cfg.max_position_embeddings - (r["factor"] - 1)) ** (d / (d - 2)),
            note="no padding in expected.safetensors, since the padded length would count; greedy ids stay below max_position_embeddings (plain base). Beyond it decoding with a KV cache gives other values than without: old keys keep the base of their time.")
    if cfg.model_type == "llama" and cfg.rope_parameters["rope_type"] == "yarn": meta["attention_factor"] = float(model.model.rotary_emb.attention_scaling); meta["inv_freq"] = [float(x) for x in model.model.rotary_emb.inv_freq]
    jdump(os.path.join(folder, "meta.json"), meta)
    size = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder)); assert size < 1.5e6, size
    f = meta["fp32_vs_fp64"]
    print(name, "params", meta["params"], "KB", size // 1024, "loss %.3f/%.3f" % (meta["loss"], meta["uniform_loss"]), "lg %.1e of %.1f" % (f["logits_max_abs"], f["logits_abs_max"]), "hid %.1e of %.0f" % (max(f["hidden_max_abs"]), max(f["hidden_abs_max"])), "loss %.0e" % f["loss_abs"], "grad %.1e %s" % f["grad_max_rel_worst_param"], "ent", [round(e, 2) for e in ent], "head %.0e" % meta["head_of_last_hidden_equals_logits_max_abs"], "marg %.3f" % mg, "cache %.0e" % gap, "near0", list(meta["zero_or_noise_gradients"])[:3], "route", meta.get("router", {}).get("least_margin_top_k"), gr_m if moe else "", "uses", meta.get("router", {}).get("experts_used_per_layer"))
    print("   ", {k: round(v, 4) for k, v in meta["sensitivity"].items()}, {k: v["sensitivity"] for k, v in meta.items() if k == "expected_long"}, flush=True)
    return model, out


def gpt2_noprefix(root):
    """storage variant: names without "transformer." and the causal-mask buffers, as in the original GPT-2 checkpoint"""
    f = os.path.join(root, "gpt2-noprefix"); shutil.rmtree(f, ignore_errors=True); os.makedirs(f); w = {k[len("transformer."):]: v for k, v in load_file(os.path.join(root, "gpt2", "model.safetensors")).items()}
    c = json.load(open(os.path.join(root, "gpt2", "config.json"))); n = c["n_positions"]
    for i in range(c["n_layer"]): w[f"h.{i}.attn.bias"] = torch.tril(torch.ones(n, n)).view(1, 1, n, n)
    save_file(w, os.path.join(f, "model.safetensors"), metadata={"format": "pt"}); shutil.copy(os.path.join(root, "gpt2", "config.json"), f)
    m = AutoModelForCausalLM.from_pretrained(f, attn_implementation="eager", dtype=F32).eval(); e = load_file(os.path.join(root, "gpt2", "expected.safetensors"))
    assert torch.equal(logits_of(m, e["input_ids"], e["attention_mask"]) * e["attention_mask"][..., None], e["logits"])
    jdump(os.path.join(f, "meta.json"), dict(same_weights_as="gpt2", expected="../gpt2/expected.safetensors (gradient names there have the prefix)", notes=["tensor names without the prefix transformer.", "h.<i>.attn.bias are causal-mask buffers, to be ignored"]))


if __name__ == "__main__":
    which, root = sys.argv[1], os.path.join(sys.argv[2], "families"); os.makedirs(root, exist_ok=True); S = VIS if which == "visible" else None; only = sys.argv[3:]
    for n, sp in S.items():
        if not only or n in only: make(n, sp, root)
    if which == "visible" and (not only or "gpt2" in only): gpt2_noprefix(root)
