"""Part 5: AdamW steps, gradient clipping, lr schedules. usage: gen_optim.py visible OUT_DIR"""
import sys, os
from common import *
from transformers import get_scheduler
WHICH = sys.argv[1]; ROOT = os.path.join(sys.argv[2], "optim"); os.makedirs(ROOT, exist_ok=True)
SD, N, SH = dict(visible=(5, 50, [(7, 5), (11,)]))[WHICH]
CFG = dict(visible=dict(default=dict(lr=1e-3, betas=(.9, .999), eps=1e-8, weight_decay=.01), no_decay=dict(lr=5e-3, betas=(.9, .999), eps=1e-8, weight_decay=0.), other=dict(lr=1e-2, betas=(.9, .95), eps=1e-6, weight_decay=.1)))[WHICH]
g = gen(SD); p0 = [randn(g, *s) for s in SH]; gr = [randn(g, N, *s) * torch.exp(1.2 * randn(g, N, *([1] * len(s)))) for s in SH]
for x in gr:
    x[:, 0] = 0                       # never any gradient
    x[3] *= 1e-9; x[5] = 0            # steps with tiny / no gradient
    x.view(N, -1)[:, -1] *= 1e-7      # an element whose gradient is near eps
t = {}; meta = dict(steps=N, note="p0.k: start; grad.k [steps,...]: gradient of each step; NAME.p.k [steps,...]: parameter after each step (float32); NAME.p64.k: the same in float64; NAME.m.k, NAME.v.k: moments after the last step (float32). Parameters k = 0 and 1 are one AdamW group.", cases={})
for k in range(2): t[f"p0.{k}"], t[f"grad.{k}"] = p0[k], gr[k]
def adamw(cfg, dt, clip=None, sched=None):
    ps = [torch.nn.Parameter(p.to(dt).clone()) for p in p0]; o = torch.optim.AdamW(ps, foreach=False, **cfg); s = get_scheduler(sched[0], o, num_warmup_steps=sched[1], num_training_steps=N) if sched else None; tr = [[], []]; nm, lrs = [], []
    for i in range(N):
        for p, x in zip(ps, gr): p.grad = x[i].to(dt).clone()
        if clip: nm.append(torch.nn.utils.clip_grad_norm_(ps, clip))
        lrs.append(o.param_groups[0]["lr"]); o.step()
        if s: s.step()
        for k in range(2): tr[k].append(ps[k].detach().clone())
    return [torch.stack(x) for x in tr], [o.state[p] for p in ps], nm, lrs
def own(cfg, clip=None, lrs=None):   # the formula, spelled out in float64
    P = [p.double().clone() for p in p0]; M = [torch.zeros_like(p) for p in P]; V = [torch.zeros_like(p) for p in P]; b1, b2 = cfg["betas"]
    for i in range(N):
        G = [x[i].double() for x in gr]
        if clip: n = torch.sqrt(sum((q ** 2).sum() for q in G)); f = min(1.0, float(clip / (n + 1e-6))); G = [q * f for q in G]
        lr = lrs[i] if lrs else cfg["lr"]
        for k in range(2):
            P[k] = P[k] * (1 - lr * cfg["weight_decay"]); M[k] = b1 * M[k] + (1 - b1) * G[k]; V[k] = b2 * V[k] + (1 - b2) * G[k] ** 2
            P[k] = P[k] - lr * (M[k] / (1 - b1 ** (i + 1))) / (torch.sqrt(V[k] / (1 - b2 ** (i + 1))) + cfg["eps"])
    return P
for nme, cfg in list(CFG.items()) + [("recipe", CFG["default"])]:
    clip, sched = (1.0, ("cosine", 5)) if nme == "recipe" else (None, None)
    a, st, nm, lrs = adamw(cfg, F32, clip, sched); b, _, nm6, _ = adamw(cfg, F64, clip, sched); P = own(cfg, clip, lrs)
    e = max(maxabs(b[k][-1], P[k]) for k in range(2)); assert e < 1e-12, e
    for k in range(2): t[f"{nme}.p.{k}"], t[f"{nme}.p64.{k}"], t[f"{nme}.m.{k}"], t[f"{nme}.v.{k}"] = a[k], b[k], st[k]["exp_avg"], st[k]["exp_avg_sq"]
    if clip: t[nme + ".grad_norm"] = torch.stack(nm); t[nme + ".lr"] = torch.tensor(lrs, dtype=F64)
    meta["cases"][nme] = dict(**{k: (list(v) if isinstance(v, tuple) else v) for k, v in cfg.items()}, clip_norm=clip, schedule=sched and list(sched), fp32_vs_fp64_max_abs=max(maxabs(a[k], b[k]) for k in range(2)), written_out_formula_vs_float64=e)
meta["formula"] = "p *= 1 - lr*wd; m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; p -= lr * (m/(1-b1^t)) / (sqrt(v/(1-b2^t)) + eps), t from 1; clip: g *= min(1, clip/(norm+1e-6)) with the norm over all parameters"
save(os.path.join(ROOT, "adamw.safetensors"), t); jdump(os.path.join(ROOT, "adamw_meta.json"), meta)
SC = {}
for nme, kw in (("linear", {}), ("cosine", {}), ("constant", {}), ("constant_with_warmup", {}), ("cosine_with_min_lr", dict(scheduler_specific_kwargs=dict(min_lr_rate=.1)))):
    for warm, tot in dict(visible=[(0, 10), (3, 30), (10, 100), (5, 5)])[WHICH]:
        if nme == "constant" and warm: continue
        o = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        s = get_scheduler(nme, o, num_warmup_steps=warm, num_training_steps=tot, **kw); v = []
        for _ in range(tot + 1): v.append(s.get_last_lr()[0]); o.step(); s.step()
        SC[f"{nme}_warm{warm}_total{tot}"] = dict(name=nme, warmup=warm, total=tot, **(dict(min_lr_rate=.1) if "min_lr" in nme else {}), factor=v)
jdump(os.path.join(ROOT, "schedules.json"), dict(note="factor[t] multiplies the base lr in optimizer step t (0-based); the list has total+1 entries", schedules=SC))
print({k: (v["fp32_vs_fp64_max_abs"], v["written_out_formula_vs_float64"]) for k, v in meta["cases"].items()}, len(SC))
