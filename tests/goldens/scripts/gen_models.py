"""Part 1: tiny random models, HF layout, with logits / loss / hidden states / gradients / greedy ids.
usage: gen_models.py visible OUT_DIR"""
import sys, os, json, shutil, copy
from common import *
import transformers as T
from transformers import AutoConfig, AutoModelForCausalLM
T.logging.set_verbosity_error(); T.logging.disable_progress_bar()

VIS = {
 "llama": dict(cls="LlamaConfig", seed=101, std=.15, T=32, pad=6, v5=False, cfg=dict(vocab_size=256, hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4, head_dim=16, max_position_embeddings=128, rms_norm_eps=1e-5, tie_word_embeddings=False, rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
 "llama-gqa": dict(cls="LlamaConfig", seed=102, std=.15, T=40, pad=7, v5=False, cfg=dict(vocab_size=320, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=256, rms_norm_eps=1e-5, tie_word_embeddings=True, rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64))),
 "mistral": dict(cls="MistralConfig", seed=103, std=.15, T=36, pad=5, v5=False, cfg=dict(vocab_size=288, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=128, rms_norm_eps=1e-5, sliding_window=9, tie_word_embeddings=False, rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
 "gpt_neo": dict(cls="GPTNeoConfig", seed=104, std=.09, T=32, pad=5, v5=False, cfg=dict(vocab_size=272, hidden_size=48, num_layers=4, attention_types=[[["global", "local"], 2]], num_heads=4, window_size=7, max_position_embeddings=64, intermediate_size=None, activation_function="gelu_new", layer_norm_epsilon=1e-5, resid_dropout=0., embed_dropout=0., attention_dropout=0.)),
 "gptj": dict(cls="GPTJConfig", seed=105, std=.13, T=32, pad=6, v5=False, cfg=dict(vocab_size=256, n_embd=64, n_layer=2, n_head=4, rotary_dim=8, n_positions=64, activation_function="gelu_new", layer_norm_epsilon=1e-5, tie_word_embeddings=False)),
 "opt": dict(cls="OPTConfig", seed=106, std=.14, T=30, pad=5, v5=False, cfg=dict(vocab_size=264, hidden_size=48, num_hidden_layers=3, ffn_dim=128, num_attention_heads=4, max_position_embeddings=64, do_layer_norm_before=True, word_embed_proj_dim=48, activation_function="relu", dropout=0., attention_dropout=0., pad_token_id=1)),
 "opt-350m-like": dict(cls="OPTConfig", seed=107, std=.14, T=30, pad=6, v5=False, cfg=dict(vocab_size=240, hidden_size=64, num_hidden_layers=2, ffn_dim=128, num_attention_heads=4, max_position_embeddings=64, do_layer_norm_before=False, word_embed_proj_dim=32, activation_function="relu", dropout=0., attention_dropout=0., pad_token_id=1)),
 "qwen2": dict(cls="Qwen2Config", seed=108, std=.15, T=32, pad=6, v5=False, cfg=dict(vocab_size=304, hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-6, tie_word_embeddings=True, use_sliding_window=False, rope_parameters=dict(rope_type="default", rope_theta=1000000.0))),
 "qwen3": dict(cls="Qwen3Config", seed=109, std=.15, T=32, pad=6, v5=False, cfg=dict(vocab_size=304, hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=128, rms_norm_eps=1e-6, tie_word_embeddings=True, use_sliding_window=False, rope_parameters=dict(rope_type="default", rope_theta=1000000.0))),
}
HID = {}


# q/k are drawn wider so that the attention is far from flat
QK = dict(llama=1.6, mistral=1.4, gpt_neo=1.2, gptj=2.0, opt=2.2, qwen2=1.6, qwen3=1.0)


def init_(model, seed, std):
    for i, (n, p) in enumerate(sorted(model.named_parameters())):
        g = gen(seed * 1000 + i)
        r = randn(g, *p.shape)
        if p.dim() >= 2: v = r * std * (QK[model.config.model_type] if ".q_proj." in n or ".k_proj." in n else 1.0)
        elif n.endswith("bias"): v = r * 0.15
        elif n.endswith(("q_norm.weight", "k_norm.weight")): v = 1.5 + 0.3 * r
        else: v = 1 + 0.2 * r           # norm weights
        if "embed_positions" in n and not model.config.do_layer_norm_before: v = v * 4   # post-LN: block 0 reads the raw sum
        with torch.no_grad(): p.copy_(v)


def to_v4(d):
    """rewrite a transformers-5 config dict into the keys used by published checkpoints"""
    d = copy.deepcopy(d)
    rp = d.pop("rope_parameters", None)
    if rp:
        rp = dict(rp); d["rope_theta"] = rp.pop("rope_theta")
        d["rope_scaling"] = None if rp.get("rope_type", "default") == "default" else rp
    if "dtype" in d: d["torch_dtype"] = d.pop("dtype")
    d.pop("layer_types", None)
    d["transformers_version"] = "4.44.0"
    return d


def write_configs(model, folder, v5first):
    model.config.save_pretrained(folder)
    p = os.path.join(folder, "config.json")
    d5 = json.load(open(p)); d5.pop("_name_or_path", None); d4 = to_v4(d5)
    a, b = (d5, d4) if v5first else (d4, d5)
    jdump(p, a); jdump(os.path.join(folder, "config.v4.json" if v5first else "config.v5.json"), b)
    return d4, d5


def forward_all(model, ids, am, labels):
    model.zero_grad(set_to_none=True)
    o = model(input_ids=ids, attention_mask=am, labels=labels, output_hidden_states=True, use_cache=False)
    o.loss.backward()
    grads = {n: p.grad.detach().clone() if p.grad is not None else torch.zeros_like(p) for n, p in model.named_parameters()}
    return o.logits.detach(), o.loss.detach(), [h.detach() for h in o.hidden_states], grads


@torch.no_grad()
def greedy(model, prompt, n):
    ids = prompt.clone(); past = None; outs = []; margins = []; cur = ids
    for _ in range(n):
        o = model(input_ids=cur, past_key_values=past, use_cache=True)
        past = o.past_key_values; lg = o.logits[0, -1]
        t = torch.topk(lg, 2).values; margins.append(float(t[0] - t[1]))
        nx = lg.argmax().view(1, 1); outs.append(lg.clone()); ids = torch.cat([ids, nx], 1); cur = nx
    # the same without cache
    full = model(input_ids=ids[:, :-1], use_cache=False).logits[0, prompt.shape[1] - 1:]
    gap = maxabs(torch.stack(outs), full); same = bool((full.argmax(-1) == ids[0, prompt.shape[1]:]).all())
    return ids[0, prompt.shape[1]:], torch.stack(outs), min(margins), gap, same


def make(name, sp, root):
    folder = os.path.join(root, name); os.makedirs(folder, exist_ok=True)
    cfg = getattr(T, sp["cls"])(**sp["cfg"]); cfg._attn_implementation = "eager"
    cfg.bos_token_id = 0; cfg.eos_token_id = 2
    model = AutoModelForCausalLM.from_config(cfg, attn_implementation="eager").eval().to(F32)
    init_(model, sp["seed"], sp["std"])
    model.generation_config = T.GenerationConfig()
    model.save_pretrained(folder)
    for f in ("generation_config.json",):
        if os.path.exists(os.path.join(folder, f)): os.remove(os.path.join(folder, f))
    d4, d5 = write_configs(model, folder, sp["v5"])
    # both config spellings must load to the same model
    ref = None
    for d in (d4, d5):
        tmp = os.path.join(root, "_tmp"); shutil.rmtree(tmp, ignore_errors=True); os.makedirs(tmp)
        jdump(os.path.join(tmp, "config.json"), d); shutil.copy(os.path.join(folder, "model.safetensors"), tmp)
        m2 = AutoModelForCausalLM.from_pretrained(tmp, attn_implementation="eager", dtype=F32).eval()
        with torch.no_grad(): lg = m2(input_ids=torch.arange(3, 23)[None]).logits
        ref = lg if ref is None else ref
        assert torch.equal(lg, ref), name
        with torch.no_grad(): assert torch.equal(model(input_ids=torch.arange(3, 23)[None]).logits, ref)
    shutil.rmtree(tmp)

    V, B, L, pad = cfg.vocab_size, 2, sp["T"], sp["pad"]
    g = gen(sp["seed"] + 7)
    ids = torch.randint(3, V, (B, L), generator=g); am = torch.ones(B, L, dtype=torch.long)
    am[1, L - pad:] = 0; padid = cfg.pad_token_id if getattr(cfg, "pad_token_id", None) is not None else 0
    ids[am == 0] = padid
    labels = ids.clone(); labels[am == 0] = -100; labels[0, :4] = -100
    lg, loss, hs, gr = forward_all(model, ids, am, labels)
    # attention statistics
    with torch.no_grad():
        att = model(input_ids=ids[:1], output_attentions=True, use_cache=False).attentions
    ent = [float((-(a.double().clamp_min(1e-30) * a.double().clamp_min(1e-30).log()).sum(-1))[..., -1].mean()) for a in att]
    with true_f64():
        m64 = AutoModelForCausalLM.from_config(cfg, attn_implementation="eager").eval().double()
        m64.load_state_dict({k: v.double() for k, v in model.state_dict().items()})
        if m64.config.tie_word_embeddings: m64.tie_weights()
        lg64, loss64, hs64, gr64 = forward_all(m64, ids, am, labels)
    assert lg64.dtype == F64 and loss64.dtype == F64
    m = am.bool()
    # independent recomputation of the loss
    sl, st = lg64[:, :-1][m[:, 1:]], labels[:, 1:][m[:, 1:]]
    sel = st != -100
    own = torch.nn.functional.cross_entropy(sl[sel], st[sel]); assert abs(float(own - loss64)) < 1e-9
    z = lambda t: t * m[..., None].to(t.dtype)
    out = {"input_ids": ids, "attention_mask": am, "labels": labels, "logits": z(lg), "loss": loss.reshape(1), "loss_f64": loss64.reshape(1)}
    for i, h in enumerate(hs): out[f"hidden.{i}"] = z(h)
    for n, gd in gr.items(): out["grad." + n] = gd
    # greedy, with a clear margin at each step
    for k in range(200):
        pr = torch.randint(3, V, (1, 5), generator=gen(sp["seed"] * 50 + k))
        gi, gl, mg, gap, same = greedy(model, pr, 24)
        if mg > 2e-2 and same and len(set(gi.tolist())) >= 6: break
    else:
        raise RuntimeError("no clear greedy prompt for " + name)
    out["gen.prompt_ids"] = pr[0]; out["gen.output_ids"] = gi; out["gen.logits"] = gl
    save(os.path.join(folder, "expected.safetensors"), out)
    gaps = {n: relmax(gr[n], gr64[n]) for n in gr}
    gmax = {n: float(gr64[n].abs().max()) for n in gr}
    total = float(torch.sqrt(sum((g.double() ** 2).sum() for g in gr64.values())))
    glob = max(maxabs(gr[n], gr64[n]) for n in gr) / max(gmax.values())
    near0 = {n: v for n, v in gmax.items() if v < 1e-7 * max(gmax.values())}
    probs = torch.softmax(lg64[m], -1)
    meta = dict(name=name, seed=sp["seed"], init_std=sp["std"], model_class=type(model).__name__, attn_implementation="eager", dtype="float32",
        batch=B, seq=L, right_padding_in_row_1=pad, pad_token_id_used=padid, n_valid_label_positions=int((labels[:, 1:] != -100).sum()),
        config_json_style="transformers 5 keys" if sp["v5"] else "published (v4) keys", params=sum(p.numel() for p in model.parameters()),
        tied_embeddings=bool(cfg.tie_word_embeddings), loss=float(loss), loss_f64=float(loss64), uniform_loss=float(np.log(V)),
        mean_prob_entropy=float((-(probs * probs.clamp_min(1e-300).log()).sum(-1)).mean()),
        last_query_attention_entropy_per_layer=ent, uniform_attention_entropy=float(np.log(L)), grad_norm_f64=total,
        fp32_vs_fp64=dict(logits_max_abs=maxabs(lg[m], lg64[m]), logits_abs_max=float(lg64[m].abs().max()), loss_abs=abs(float(loss) - float(loss64)),
            hidden_max_abs=[maxabs(a[m], b[m]) for a, b in zip(hs, hs64)], hidden_abs_max=[float(b[m].abs().max()) for b in hs64],
            grad_max_abs_over_global_max=glob, grad_max_rel_worst_param=max(((v, n) for n, v in gaps.items() if n not in near0), default=None)),
        zero_or_noise_gradients=near0, hidden_states_note="hidden.0 = decoder input (embeddings); hidden.i = output of block i; the last one is what the LM head reads (after final norm / project_out where present)",
        greedy=dict(prompt_len=5, new_tokens=24, min_top1_top2_margin=mg, cache_vs_nocache_max_abs=gap, same_ids_without_cache=same))
    # is the last hidden state the head input?
    head = model.get_output_embeddings()
    with torch.no_grad(): meta["head_of_last_hidden_equals_logits_max_abs"] = maxabs(head(hs[-1])[m], lg[m])
    jdump(os.path.join(folder, "meta.json"), meta)
    print(name, "params", meta["params"], "loss %.4f/%.4f" % (meta["loss"], meta["uniform_loss"]), "gap", {k: v for k, v in meta["fp32_vs_fp64"].items() if k not in("hidden_max_abs","hidden_abs_max")}, "ent", [round(e, 2) for e in ent], "head", meta["head_of_last_hidden_equals_logits_max_abs"], "marg %.3g" % mg, "gap", gap, "hs", len(hs), "near0", list(near0)[:3])
    return model, out


def variants(root, models, which):
    """storage variants of the same weights"""
    rep = {}
    names = dict(visible=dict(shard="llama", fp16="qwen2", bf16="llama-gqa", bin="llama-gqa", bin2="gpt_neo"))[which]
    n = names["shard"]; m, out = models[n]
    f = os.path.join(root, n + "-sharded"); shutil.rmtree(f, ignore_errors=True); os.makedirs(f)
    m.save_pretrained(f, max_shard_size="150KB")
    for x in os.listdir(f):
        if x == "generation_config.json": os.remove(os.path.join(f, x))
    shutil.copy(os.path.join(root, n, "config.json"), f)
    rep[n + "-sharded"] = dict(same_weights_as=n, expected="../%s/expected.safetensors" % n, files=sorted(os.listdir(f)))
    for k, dt in (("fp16", torch.float16), ("bf16", torch.bfloat16)):
        n = names[k]; m, out = models[n]; f = os.path.join(root, f"{n}-{k}"); shutil.rmtree(f, ignore_errors=True); os.makedirs(f)
        mm = copy.deepcopy(m).to(dt); mm.save_pretrained(f)
        for x in os.listdir(f):
            if x == "generation_config.json": os.remove(os.path.join(f, x))
        d = json.load(open(os.path.join(root, n, "config.json")))
        d["torch_dtype" if "torch_dtype" in d else "dtype"] = {"fp16": "float16", "bf16": "bfloat16"}[k]
        jdump(os.path.join(f, "config.json"), d)
        mu = copy.deepcopy(mm).to(F32).eval()
        if hasattr(mu.model, "rotary_emb"): mu.model.rotary_emb = m.model.rotary_emb      # rope tables must not be rounded to 16 bit
        with torch.no_grad(): o = mu(input_ids=out["input_ids"], attention_mask=out["attention_mask"], labels=out["labels"], use_cache=False)
        save(os.path.join(f, "expected.safetensors"), {"input_ids": out["input_ids"], "attention_mask": out["attention_mask"], "labels": out["labels"], "logits": o.logits * out["attention_mask"][..., None], "loss": o.loss.reshape(1)})
        chk = AutoModelForCausalLM.from_pretrained(f, dtype=F32, attn_implementation="eager").eval()
        with torch.no_grad(): o2 = chk(input_ids=out["input_ids"], attention_mask=out["attention_mask"], labels=out["labels"], use_cache=False)
        assert torch.equal(o2.logits, o.logits), (n, k, maxabs(o2.logits, o.logits))
        rep[f"{n}-{k}"] = dict(weights=f"{n} rounded to {k} (round to nearest even)", expected="computed in float32 from the stored 16-bit weights widened to float32", logits_max_abs_change_from_fp32=maxabs(o.logits * out["attention_mask"][..., None], out["logits"]))
    for k in ("bin", "bin2"):
        n = names[k]; m, out = models[n]; f = os.path.join(root, n + "-bin"); shutil.rmtree(f, ignore_errors=True); os.makedirs(f)
        sd = {kk: v.detach().clone() for kk, v in m.state_dict().items()}
        head = [kk for kk in sd if kk.endswith("lm_head.weight")]; emb = [kk for kk in sd if kk.endswith(("embed_tokens.weight", "wte.weight"))]
        extra = []
        if m.config.tie_word_embeddings and head: sd[head[0]] = sd[emb[0]]; extra.append("lm_head.weight shares its storage with the embedding")
        if n in ("gpt_neo", "gptj"):
            mp = m.config.max_position_embeddings
            for i in range(m.config.num_hidden_layers):
                base = f"transformer.h.{i}.attn.attention." if n == "gpt_neo" else f"transformer.h.{i}.attn."
                tri = torch.tril(torch.ones(mp, mp, dtype=torch.uint8)).view(1, 1, mp, mp)
                if n == "gpt_neo" and m.config.attention_layers[i] == "local": tri = torch.bitwise_xor(tri, torch.tril(tri, -m.config.window_size))
                sd[base + "bias"] = tri; sd[base + "masked_bias"] = torch.tensor(-1e9)
            extra.append("also holds the attn.bias / attn.masked_bias buffers of older published checkpoints (to be ignored)")
        # one tensor as a transposed (non-contiguous) view of a bigger storage
        lin = [kk for kk in sd if kk.endswith(("q_proj.weight",))][0]
        sd[lin] = sd[lin].t().contiguous().t(); extra.append(lin + " is stored with strides (1, rows), i.e. transposed")
        torch.save(sd, os.path.join(f, "pytorch_model.bin"))
        shutil.copy(os.path.join(root, n, "config.json"), f)
        back = torch.load(os.path.join(f, "pytorch_model.bin"), weights_only=True)
        twin = load_file(os.path.join(root, n, "model.safetensors"))
        assert all(torch.equal(back[kk], twin[kk]) for kk in twin)
        rep[n + "-bin"] = dict(same_weights_as=n, expected="../%s/expected.safetensors" % n, notes=extra)
    jdump(os.path.join(root, "storage_variants.json"), rep)


if __name__ == "__main__":
    which, root = sys.argv[1], os.path.join(sys.argv[2], "models")
    os.makedirs(root, exist_ok=True)
    models = {}
    for n, sp in (VIS if which == "visible" else None).items(): models[n] = make(n, sp, root)
    variants(root, models, which)
