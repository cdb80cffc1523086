"""Part 3: whole-model training trajectories. usage: gen_train.py visible OUT_DIR (needs OUT_DIR/models)"""
import sys, os, copy, json
from common import *
from quant import *
import transformers as T
from transformers import AutoModelForCausalLM, get_linear_schedule_with_warmup
T.logging.set_verbosity_error(); T.logging.disable_progress_bar()
WHICH, OUT = sys.argv[1], sys.argv[2]; ROOT = os.path.join(OUT, "train"); os.makedirs(ROOT, exist_ok=True)
SEED = dict(visible=31)[WHICH]; TT = dict(visible=24)[WHICH]; STEPS, WARM, NB = 30, 3, 6
LIN = dict(llama=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"], opt=["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"])


class SQ(torch.autograd.Function):
    """signed learned quantizer of Wc with the straight-through gradients of quant.signed_grads"""
    @staticmethod
    def forward(ctx, Wc, s, b, g, bits):
        w, M, wc, wt, Wq = signed_quant(Wc, s, b, g, bits); ctx.save_for_backward(w, M, wc, wt); ctx.g = g; return Wq
    @staticmethod
    def backward(ctx, G):
        dW, ds, db = signed_grads(G, *ctx.saved_tensors, ctx.g); return dW, ds, db, None, None


class QL(torch.nn.Module):
    """linear layer with one of the methods; trainable tensors are parameters, everything else is a buffer"""
    def __init__(self, lin, method, bits, g, r, alpha, init):
        super().__init__(); P = torch.nn.Parameter
        self.method, self.bits, self.g, self.alpha, self.r = method, bits, g, alpha, r; W = lin.weight.detach()
        self.bias = lin.bias
        if self.bias is not None: self.bias.requires_grad_(False)
        dt = W.dtype
        if method in ("peqa", "qlora"):
            self.register_buffer("q", init["codes"].to(dt)); self.register_buffer("z", init["z"].to(dt))
            if method == "peqa": self.s = P(init["s"].to(dt).clone())
            else: self.register_buffer("s", init["s"].to(dt))
        if method in ("lora", "qat_lora", "l4q"): self.register_buffer("weight", W.clone())
        if method == "qat": self.weight = P(W.clone())
        if method in ("qat_lora", "l4q", "qat"): self.s = P(init["s"].to(dt).clone())
        if method in ("qat_lora", "l4q"): self.b = P(torch.zeros_like(init["s"]).to(dt))
        if method in ("lora", "qlora", "qat_lora", "l4q"): self.lora_A = P(init["lora_A"].to(dt).clone()); self.lora_B = P(init["lora_B"].to(dt).clone())
    def forward(self, x):
        m = self.method; F = torch.nn.functional.linear
        if m == "peqa": return F(x, dequant_u(self.q, self.s, self.z, self.g), self.bias)
        if m == "lora": return F(x, self.weight, self.bias) + self.alpha / self.r * F(F(x, self.lora_A), self.lora_B)
        if m == "qlora": return F(x, dequant_u(self.q, self.s, self.z, self.g), self.bias) + self.alpha / self.r * F(F(x, self.lora_A), self.lora_B)
        if m == "qat": return F(x, SQ.apply(self.weight, self.s, torch.zeros_like(self.s), self.g, self.bits), self.bias)
        if m == "qat_lora": return F(x, SQ.apply(self.weight, self.s, self.b, self.g, self.bits), self.bias) + self.alpha * F(F(x, self.lora_A), self.lora_B)
        if m == "l4q": return F(x, SQ.apply(self.weight + self.alpha * (self.lora_B @ self.lora_A), self.s, self.b, self.g, self.bits), self.bias)


L4QLR = dict(visible=(3.5e-3, 2e-5))[WHICH]
OG = dict(visible=16)[WHICH]
CASES = {  # name: model, method, target linears, bits, group, r, alpha, lr or (lr, lr of s and b)
 "full": ("llama-gqa", "full", None, 0, 0, 0, 0, 1e-3),
 "lora_qv_r4": ("llama-gqa", "lora", ["q_proj", "v_proj"], 0, 0, 4, 8., 1e-2),
 "qlora_b4_g16_r4": ("llama-gqa", "qlora", "all", 4, 16, 4, 8., 5e-3),
 "peqa_b4_channel": ("llama-gqa", "peqa", "all", 4, 0, 0, 0, 1e-3),
 "peqa_b3_g16": ("llama-gqa", "peqa", "all", 3, 16, 0, 0, 1e-3),
 "qat_b4_channel": ("llama-gqa", "qat", "all", 4, 0, 0, 0, 5e-4),
 "qatlora_b4_g16_r4": ("llama-gqa", "qat_lora", "all", 4, 16, 4, 2., (5e-3, 5e-5)),
 "l4q_b4_g16_r4": ("llama-gqa", "l4q", "all", 4, 16, 4, 2., L4QLR),
 "l4q_b4_g16_r4_exactinit": ("llama-gqa", "l4q", "all", 4, 16, 4, 2., L4QLR),
 "opt_peqa_b4_channel": ("opt", "peqa", "all", 4, 0, 0, 0, 1e-3),
 f"opt_peqa_b3_g{OG}": ("opt", "peqa", "all", 3, OG, 0, 0, 1e-3),
}
NUDGE = 1 + 2.0 ** -10


def batches(V, pad, seed):
    """NB batches of 2 rows from a noisy affine token walk, row 1 right padded, a few leading labels masked; cycled over the steps"""
    g = gen(seed); ids = torch.full((NB, 2, TT), pad); am = torch.zeros(NB, 2, TT, dtype=torch.long); lab = torch.full((NB, 2, TT), -100)
    for n in range(NB):
        for b in range(2):
            L = TT if b == 0 else TT - 2 - n; t = int(torch.randint(3, V, (1,), generator=g)); row = []
            for _ in range(L):
                row.append(t); t = 3 + (7 * t + 11) % (V - 3) if torch.rand(1, generator=g) < .8 else int(torch.randint(3, V, (1,), generator=g))
            ids[n, b, :L] = torch.tensor(row); am[n, b, :L] = 1; lab[n, b, :L] = ids[n, b, :L]; lab[n, b, :b * 2] = -100
    k = torch.arange(STEPS) % NB
    return ids[k], am[k], lab[k]


def make_init(model, name, method, targets, bits, g, r):
    init = {}; c = 0
    for n, m in model.named_modules():
        leaf = n.split(".")[-1]
        if isinstance(m, torch.nn.Linear) and leaf in LIN[model.config.model_type] and (targets in (None, "all") or leaf in targets):
            W = m.weight.detach(); e = {}; c += 1
            if method in ("peqa", "qlora"): e["s"], z, q, _ = rtn_asym(W, bits, g); e["z"], e["codes"] = z.to(torch.uint8), q.to(torch.uint8)
            if method in ("l4q", "qat_lora"): e["s"] = l4q_init(W, bits, g) * (1.0 if name.endswith("exactinit") else NUDGE)
            if method == "qat": e["s"] = lsq_init(W, bits, g)
            if method in ("lora", "qlora", "l4q", "qat_lora"):
                gg = gen(SEED * 100 + c); e["lora_A"] = ((torch.rand(r, W.shape[1], generator=gg, dtype=F64) * 2 - 1) / W.shape[1] ** 0.5).float(); e["lora_B"] = torch.zeros(W.shape[0], r)
            init[n] = e
    return init


def build(mdl, dtype, method, bits, g, r, alpha, init):
    if dtype == F64:
        m = AutoModelForCausalLM.from_config(mdl.config, attn_implementation="eager").double(); m.load_state_dict({k: v.double() for k, v in mdl.state_dict().items()})
        if m.config.tie_word_embeddings: m.tie_weights()
    else: m = copy.deepcopy(mdl)
    m.eval()
    if method not in ("full", "qat"):
        for p in m.parameters(): p.requires_grad_(False)
    if method != "full":
        for n, e in init.items():
            par, leaf = n.rsplit(".", 1); par = m.get_submodule(par); q = QL(getattr(par, leaf), method, bits, g, r, alpha, e)
            if method == "qat" and q.bias is not None: q.bias.requires_grad_(True)
            setattr(par, leaf, q)
    return m


def decays(n, p, method):
    leaf = n.split(".")[-1]
    return leaf in ("lora_A", "lora_B") or (method in ("full", "qat") and p.dim() >= 2 and leaf != "s")


def train(m, lr, method, data):
    ids, am, lab = data; ps = [(n, p) for n, p in m.named_parameters() if p.requires_grad]
    lr, lrq = lr if isinstance(lr, tuple) else (lr, lr); isq = lambda n: n.split(".")[-1] in ("s", "b")
    gr = [dict(params=[p for n, p in ps if decays(n, p, method)], weight_decay=0.01), dict(params=[p for n, p in ps if not decays(n, p, method) and not isq(n)], weight_decay=0.0), dict(params=[p for n, p in ps if isq(n)], weight_decay=0.0, lr=lrq)]
    opt = torch.optim.AdamW([g for g in gr if g["params"]], lr=lr, betas=(0.9, 0.999), eps=1e-8, foreach=False)
    sch = get_linear_schedule_with_warmup(opt, WARM, STEPS); losses, norms, lrs, g0 = [], [], [], {}
    def evl():
        with torch.no_grad(): return torch.stack([m(input_ids=ids[k], attention_mask=am[k], labels=lab[k], use_cache=False).loss for k in range(NB)])
    ev0 = evl()
    for t in range(STEPS):
        opt.zero_grad(set_to_none=True); o = m(input_ids=ids[t], attention_mask=am[t], labels=lab[t], use_cache=False); o.loss.backward()
        if t == 0: g0 = {n: p.grad.detach().clone() for n, p in ps}
        nn_ = torch.nn.utils.clip_grad_norm_([p for _, p in ps], 1.0); losses.append(o.loss.detach()); norms.append(nn_.detach()); lrs.append(sch.get_last_lr()[0]); opt.step(); sch.step()
    ev = evl()
    return torch.stack(losses), torch.stack(norms), torch.tensor(lrs, dtype=F64), g0, {n: p.detach().clone() for n, p in ps}, ev, ev0


META = dict(settings=dict(steps=STEPS, optimizer="AdamW (torch.optim.AdamW, decoupled decay)", betas=[.9, .999], eps=1e-8, lr_schedule="linear decay with warm-up 3 of 30 steps, as HF get_linear_schedule_with_warmup: factor of step t (0-based) = t/3 for t<3, else (30-t)/27; so step 0 has lr 0", grad_clip="global L2 norm of all trainable gradients to 1.0: factor min(1, 1/(norm+1e-6)); grad_norm is the norm before clipping",
    weight_decay="0.01 on LoRA A and B and (full, qat) on tensors of 2 or more dimensions; 0 on s, b, norms and biases", loss="mean cross entropy over label positions != -100 of the whole batch (2 rows)", dropout=0, master_dtype="float32 everywhere", batches="6 distinct batches cycled (step t uses batch t % 6); row t of the stored tensors is step t",
    quantized="the decoder linears only (llama: q,k,v,o,gate,up,down; opt: q,k,v,out_proj,fc1,fc2); embeddings, positions, head, norms, biases are not", nudge="L4Q / QAT-LoRA start from s = L4Q_init * (1 + 2^-10) so that no weight sits on the clipping bound; the *_exactinit case starts from plain L4Q_init (its first gradients depend on how (W-b)/s rounds at the bound; use it with loose tolerance)", files="init.*: trainable and frozen quantizer tensors at the start; grad0.*: gradients of step 0 before clipping; final.*: trainable tensors after 30 steps; loss, grad_norm, lr: [30]; eval_before / eval_after [6]: loss of the 6 distinct batches before the first / after the last step; lr is that of the first parameter group (s and b of L4Q and QAT-LoRA have their own base lr, same schedule factor); *_f64: the same run in float64. fp32_vs_fp64: gap of the two runs; one_ulp_noise: gap of four float32 runs whose weights were multiplied by 1 + 6e-8*gauss before training"), cases={})
base = {}
for mn in ("llama-gqa", "opt"):
    base[mn] = AutoModelForCausalLM.from_pretrained(os.path.join(OUT, "models", mn), dtype=F32, attn_implementation="eager").eval()
    V = base[mn].config.vocab_size; d = batches(V, 1 if mn == "opt" else 0, SEED + len(mn)); base[mn + "/data"] = d
    save(os.path.join(ROOT, f"batches_{mn}.safetensors"), dict(input_ids=d[0], attention_mask=d[1], labels=d[2]))
only = sys.argv[3:] if len(sys.argv) > 3 else None
for name, (mn, method, targets, bits, g, r, alpha, lr) in CASES.items():
    if only and name not in only: continue
    mdl, data = base[mn], base[mn + "/data"]; init = {} if method == "full" else make_init(mdl, name, method, targets, bits, g, r)
    l, gn, lrs, g0, fin, ev, ev0 = train(build(mdl, F32, method, bits, g, r, alpha, init), lr, method, data)
    with true_f64(): l6, gn6, _, g06, fin6, ev6, ev06 = train(build(mdl, F64, method, bits, g, r, alpha, init), lr, method, data)
    assert l6.dtype == F64
    t = dict(loss=l, grad_norm=gn, lr=lrs, eval_before=ev0, eval_after=ev, loss_f64=l6, grad_norm_f64=gn6, eval_after_f64=ev6)
    for n, e in init.items():
        for k, v in e.items(): t[f"init.{n}.{k}"] = v
    for n, v in fin.items(): t["final." + n] = v
    if method not in ("full", "qat"):
        for n, v in g0.items(): t["grad0." + n] = v
    extra = {}
    if "s" in {n.split(".")[-1] for n in fin}: extra["min_final_s"] = min(float(v.min()) for n, v in fin.items() if n.endswith(".s")); extra["max_relative_change_of_s"] = max(float((v / init[n[:-2]]["s"] - 1).abs().max()) for n, v in fin.items() if n.endswith(".s"))
    if method in ("l4q", "qat_lora", "qat"):
        dif = tot = clip = 0
        for n, e in init.items():
            def codes(f, dt):
                W = (f[n + ".weight"] if method == "qat" else mdl.get_submodule(n).weight.detach().to(dt)); s = f[n + ".s"]; b = f.get(n + ".b", torch.zeros_like(s))
                if method == "l4q": W = W + alpha * (f[n + ".lora_B"] @ f[n + ".lora_A"])
                return signed_quant(W, s, b, g, bits)
            a, b_ = codes(fin, F32), codes(fin6, F64); dif += int((a[3] != b_[3]).sum()); tot += a[3].numel(); clip += int((~a[1]).sum())
            if method == "l4q" or method == "qat_lora": t[f"final_codes.{n}"] = a[3].to(torch.int8)
        extra.update(final_codes_different_float32_vs_float64=dif, weights=tot, final_clipped_share=clip / tot)
    save(os.path.join(ROOT, name + ".safetensors"), t)
    nz = dict(loss_max_abs=[], loss_abs_first_5=[], eval_max_abs=[], final_rms_over_rms_change=[])     # how far float32 runs drift apart when every weight moves by about one ulp
    for k in range(4):
        m = build(mdl, F32, method, bits, g, r, alpha, init); gg = gen(500 + k)
        with torch.no_grad():
            for n, x in list(m.named_parameters()) + list(m.named_buffers()):
                if n.split(".")[-1] in ("q", "z") or not x.is_floating_point() or "rotary" in n: continue
                x.mul_(1 + 6e-8 * torch.randn(x.shape, generator=gg))
        st0 = {n: p.detach().clone().double() for n, p in m.named_parameters() if p.requires_grad}
        ln_, _, _, _, fn_, en_, _ = train(m, lr, method, data)
        nz["loss_max_abs"].append(maxabs(ln_, l)); nz["loss_abs_first_5"].append(maxabs(ln_[:5], l[:5])); nz["eval_max_abs"].append(maxabs(en_, ev))
        nz["final_rms_over_rms_change"].append(float((sum(((fn_[n].double() - fin[n].double()) ** 2).sum() for n in fin) / sum(((fin[n].double() - st0[n]) ** 2).sum() for n in fin)) ** .5))
    META["cases"][name] = dict(model=mn, method=method, targets=targets or "all parameters", bits=bits, group=g, r=r, alpha=alpha, scaling=(alpha / r if method in ("lora", "qlora") else alpha), lr=(lr[0] if isinstance(lr, tuple) else lr), lr_of_s_and_b=(lr[1] if isinstance(lr, tuple) else lr), trainable=sum(v.numel() for v in fin.values()),
        loss_first=float(l[0]), loss_last=float(l[-1]), eval_before_mean=float(ev0.mean()), eval_after_mean=float(ev.mean()),
        fp32_vs_fp64=dict(loss_max_abs=maxabs(l, l6), loss_abs_first_10=maxabs(l[:10], l6[:10]), grad_norm_max_rel=float(((gn.double() - gn6) / gn6).abs().max()), eval_max_abs=maxabs(ev, ev6),
            grad0_max_rel=max(relmax(g0[n], g06[n]) for n in g0 if float(g06[n].abs().max()) > 0), final_max_abs=max(maxabs(fin[n], fin6[n]) for n in fin), final_max_abs_over_lr=max(maxabs(fin[n], fin6[n]) for n in fin) / (lr[0] if isinstance(lr, tuple) else lr),
            final_rms_over_rms_change=float((sum(((fin[n].double() - fin6[n]) ** 2).sum() for n in fin) / sum(((fin6[n] - dict(build(mdl, F64, method, bits, g, r, alpha, init).named_parameters())[n].detach()) ** 2).sum() for n in fin)) ** .5) if method != "full" else float((sum(((fin[n].double() - fin6[n]) ** 2).sum() for n in fin) / sum(((fin6[n] - dict(mdl.named_parameters())[n].detach().double()) ** 2).sum() for n in fin)) ** .5)), one_ulp_noise=nz, **extra)
    c = META["cases"][name]; print(name, "trainable", c["trainable"], "eval %.3f -> %.3f gn0 %.3g" % (c["eval_before_mean"], c["eval_after_mean"], float(gn[0])), {k: "%.1e" % v for k, v in c["fp32_vs_fp64"].items()}, {k: round(v, 5) for k, v in extra.items()}, {k: ['%.0e' % x for x in v] for k, v in nz.items()})
    # ---- independent check of the LoRA run with the peft library, and an adapter in its file format ----
    if name == "lora_qv_r4":
        import peft, shutil
        pm = peft.get_peft_model(copy.deepcopy(mdl), peft.LoraConfig(r=r, lora_alpha=alpha, target_modules=list(targets), lora_dropout=0.0, bias="none", task_type="CAUSAL_LM"))
        sd = dict(pm.named_parameters())
        with torch.no_grad():
            for n, e in init.items():
                sd[f"base_model.model.{n}.lora_A.default.weight"].copy_(e["lora_A"]); sd[f"base_model.model.{n}.lora_B.default.weight"].copy_(e["lora_B"])
        ps = [p for p in pm.parameters() if p.requires_grad]; opt = torch.optim.AdamW(ps, lr=lr, weight_decay=0.01, foreach=False); sch = get_linear_schedule_with_warmup(opt, WARM, STEPS); pl = []; pm.eval()
        for k in range(STEPS):
            opt.zero_grad(); o = pm(input_ids=data[0][k], attention_mask=data[1][k], labels=data[2][k]); o.loss.backward(); torch.nn.utils.clip_grad_norm_(ps, 1.0); opt.step(); sch.step(); pl.append(o.loss.detach())
        c["peft_library_loss_max_abs_difference"] = maxabs(torch.stack(pl), l); print("   peft check", c["peft_library_loss_max_abs_difference"]); assert c["peft_library_loss_max_abs_difference"] < 1e-4
        with torch.no_grad():
            for n in init:
                sd[f"base_model.model.{n}.lora_A.default.weight"].copy_(fin[n + ".lora_A"]); sd[f"base_model.model.{n}.lora_B.default.weight"].copy_(fin[n + ".lora_B"])
            lg = pm(input_ids=data[0][0], attention_mask=data[1][0]).logits * data[1][0][..., None]
        f = os.path.join(ROOT, "lora_qv_r4_peft_adapter"); shutil.rmtree(f, ignore_errors=True); pm.save_pretrained(f)
        if os.path.exists(os.path.join(f, "README.md")): os.remove(os.path.join(f, "README.md"))
        j = json.load(open(os.path.join(f, "adapter_config.json"))); j["base_model_name_or_path"] = "../../models/" + mn; jdump(os.path.join(f, "adapter_config.json"), j)
        save(os.path.join(f, "expected.safetensors"), dict(input_ids=data[0][0], attention_mask=data[1][0], logits=lg))
if not only: jdump(os.path.join(ROOT, "meta.json"), META)
