"""Part 4: sampling goldens from the HF logits processors. usage: gen_sampling.py visible OUT_DIR"""
import sys, os
from common import *
from transformers import TemperatureLogitsWarper as TW, TopKLogitsWarper as KW, TopPLogitsWarper as PW, MinPLogitsWarper as MW, RepetitionPenaltyLogitsProcessor as RP
WHICH = sys.argv[1]; ROOT = os.path.join(sys.argv[2], "sampling"); os.makedirs(ROOT, exist_ok=True)
sd, sizes = dict(visible=(11, [64, 500]))[WHICH]
CASES = dict(visible=[dict(), dict(temperature=.3), dict(temperature=.7), dict(temperature=1.6), dict(top_k=1), dict(top_k=5), dict(top_k=40), dict(top_k=100000), dict(top_p=.1), dict(top_p=.5), dict(top_p=.9), dict(top_p=.95),
        dict(min_p=.02), dict(min_p=.1), dict(min_p=.4), dict(repetition_penalty=1.1), dict(repetition_penalty=1.5), dict(repetition_penalty=.8), dict(temperature=.8, top_k=20, top_p=.9), dict(temperature=1.3, top_p=.85, min_p=.05),
        dict(repetition_penalty=1.2, temperature=.7, top_k=30, top_p=.92, min_p=.03), dict(temperature=2.5, top_k=3, top_p=.6)])[WHICH]
t, meta = {}, dict(order="repetition_penalty, temperature, top_k, top_p, min_p, then softmax (the order of HF generate)", rules=dict(
    temperature="logits / temperature", top_k="logits below the k-th largest become -inf: ties with the k-th all stay; k is capped at the vocabulary", top_p="sort ascending, drop while the running sum of probabilities <= 1-top_p; the largest always stays", min_p="drop probabilities < min_p * max probability",
    repetition_penalty="for each distinct id in input_ids: logit < 0 -> logit*penalty else logit/penalty (applied once however often the id occurs)"), vectors={}, cases={})
for vi, V in enumerate(sizes):
    g = gen(sd + vi); lg = randn(g, V) * 2.5; ids = torch.randint(0, V, (12,), generator=g); ids[3] = ids[7] = int(lg.argmax()); nm = f"v{V}"
    t[nm + ".logits"], t[nm + ".input_ids"] = lg, ids; meta["vectors"][nm] = dict(vocab=V)
    lt = lg.clone(); o = torch.argsort(lt, descending=True); lt[o[5]] = lt[o[4]]; lt[o[3]] = lt[o[4]]; t[nm + "_ties.logits"], t[nm + "_ties.input_ids"] = lt, ids; meta["vectors"][nm + "_ties"] = dict(vocab=V, note="the 4th, 5th and 6th largest logits are equal; only top_k cases")
    for vn, L in ((nm, lg), (nm + "_ties", lt)):
        cs = CASES if vn == nm else [dict(top_k=4), dict(top_k=5), dict(top_k=6), dict(top_k=3)]
        for ci, c in enumerate(cs):
            def run(x):
                x = x[None].clone(); marg = 1.0
                if "repetition_penalty" in c: x = RP(c["repetition_penalty"])(ids[None], x)
                if "temperature" in c: x = TW(c["temperature"])(ids[None], x)
                if "top_k" in c: x = KW(c["top_k"])(ids[None], x)
                if "top_p" in c:
                    cum = x.double().sort(descending=False).values.softmax(-1).cumsum(-1); marg = min(marg, float((cum - (1 - c["top_p"])).abs().min())); x = PW(c["top_p"])(ids[None], x)
                if "min_p" in c:
                    p = x.double().softmax(-1); marg = min(marg, float((p / p.max() / c["min_p"] - 1).abs().min())); x = MW(c["min_p"])(ids[None], x)
                return x.softmax(-1)[0], marg
            p, _ = run(L); p6, m = run(L.double()); assert torch.equal(p > 0, p6 > 0) and m > 1e-5, (c, m)
            key = f"{vn}.case{ci:02d}"; t[key + ".probs"] = p; meta["cases"][key] = dict(vector=vn, **c, kept=int((p > 0).sum()), fp32_vs_fp64_max_abs=maxabs(p, p6), distance_of_the_cut_from_the_threshold=m)
save(os.path.join(ROOT, "sampling.safetensors"), t); jdump(os.path.join(ROOT, "meta.json"), meta); print(len(meta["cases"]), max(c["fp32_vs_fp64_max_abs"] for c in meta["cases"].values()), min(c["distance_of_the_cut_from_the_threshold"] for c in meta["cases"].values()))
