#!/usr/bin/env python3
"""What llama-quantize makes of models of several shapes: gen_mixtures.py LLAMA_QUANTIZE OUT.json

Writes tiny F16 models in GGUF form, quantizes each by every mixture, with and without an importance matrix of ones,
and notes the type of every tensor. Needs Python and the program alone.
"""
import json, os, struct, subprocess, sys, tempfile

PROGRAM, OUT = sys.argv[1], sys.argv[2]
MIXTURES = "Q2_K Q2_K_S Q3_K_S Q3_K_M Q3_K_L IQ4_XS IQ4_NL Q4_0 Q4_1 Q4_K_S Q4_K_M Q5_0 Q5_1 Q5_K_S Q5_K_M Q6_K Q8_0".split()
TYPES = {0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 20: "IQ4_NL", 23: "IQ4_XS"}
MODELS = {
    "grouped": dict(layers=16, hidden=256, ff=512, heads=8, kv=2, tied=False),
    "two-queries": dict(layers=24, hidden=256, ff=256, heads=8, kv=4, tied=True),
    "fall-backs": dict(layers=16, hidden=320, ff=256, heads=5, kv=5, tied=False),
    "narrow": dict(layers=8, hidden=80, ff=320, heads=5, kv=1, tied=True),
    "experts": dict(layers=16, hidden=256, ff=256, heads=8, kv=2, tied=False, experts=8),
    "four-experts": dict(layers=16, hidden=256, ff=256, heads=8, kv=4, tied=False, experts=4),
    "deep": dict(layers=80, hidden=256, ff=256, heads=8, kv=1, tied=False),
    "falcon": dict(arch="falcon", layers=32, hidden=256, ff=512, heads=4, kv=1, tied=False),
    "phi3": dict(arch="phi3", layers=16, hidden=256, ff=256, heads=4, kv=2, tied=False),
}
VOCABULARY = 32


def text(s):
    return struct.pack("<Q", len(s)) + s.encode()


def key(name, value):
    kind, data = (9, struct.pack("<IQ", 8, len(value)) + b"".join(text(v) for v in value)) if isinstance(value, list) else (8, text(value)) if isinstance(value, str) else (6, struct.pack("<f", value)) if isinstance(value, float) else (4, struct.pack("<I", value))
    return text(name) + struct.pack("<I", kind) + data


def write(path, keys, tensors, alignment=32):
    """tensors: (name, dimensions, type, bytes)"""
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(key(*k) for k in keys)
    at, data = 0, []
    for name, dims, kind, content in tensors:
        header += text(name) + struct.pack("<I", len(dims)) + b"".join(struct.pack("<Q", d) for d in dims) + struct.pack("<IQ", kind, at)
        content += b"\0" * (-len(content) % alignment)
        data.append(content)
        at += len(content)
    with open(path, "wb") as f:
        f.write(header + b"\0" * (-len(header) % alignment) + b"".join(data))


def shapes(m):
    hidden, ff, arch = m["hidden"], m["ff"], m.get("arch", "llama")
    kv = hidden // m["heads"] * m["kv"]
    yield "token_embd.weight", [hidden, VOCABULARY]
    if not m["tied"]:
        yield "output.weight", [hidden, VOCABULARY]
    yield "output_norm.weight", [hidden]
    for l in range(m["layers"]):
        b = f"blk.{l}."
        yield b + "attn_norm.weight", [hidden]
        if arch == "llama":
            yield b + "attn_q.weight", [hidden, hidden]
            yield b + "attn_k.weight", [hidden, kv]
            yield b + "attn_v.weight", [hidden, kv]
        else:
            yield b + "attn_qkv.weight", [hidden, hidden + 2 * kv]
        yield b + "attn_output.weight", [hidden, hidden]
        yield b + "ffn_norm.weight", [hidden]
        if experts := m.get("experts"):
            yield b + "ffn_gate_inp.weight", [hidden, experts]
            yield b + "ffn_gate_exps.weight", [hidden, ff, experts]
            yield b + "ffn_up_exps.weight", [hidden, ff, experts]
            yield b + "ffn_down_exps.weight", [ff, hidden, experts]
        else:
            if arch == "llama":
                yield b + "ffn_gate.weight", [hidden, ff]
            yield b + "ffn_up.weight", [hidden, 2 * ff if arch == "phi3" else ff]
            yield b + "ffn_down.weight", [ff, hidden]


def keys(m):
    arch = m.get("arch", "llama")
    found = [("general.architecture", arch)] + [(f"{arch}.{n}", v) for n, v in (
        ("block_count", m["layers"]), ("context_length", 64), ("embedding_length", m["hidden"]), ("feed_forward_length", m["ff"]), ("attention.head_count", m["heads"]),
        ("attention.head_count_kv", m["kv"]), ("attention.layer_norm_rms_epsilon", 1e-5), ("attention.layer_norm_epsilon", 1e-5), ("rope.dimension_count", m["hidden"] // m["heads"]), ("vocab_size", VOCABULARY))]
    if "experts" in m:
        found += [(f"{arch}.expert_count", m["experts"]), (f"{arch}.expert_used_count", 2)]
    return found + [("tokenizer.ggml.model", "no_vocab")]


def number_of(dims):
    n = 1
    for d in dims:
        n *= d
    return n


def types(path):
    b = open(path, "rb").read()
    count, pairs = struct.unpack_from("<QQ", b, 8)
    at = 24

    def string():
        nonlocal at
        n = struct.unpack_from("<Q", b, at)[0]
        at += 8 + n
        return b[at - n:at].decode()

    values = {}
    for _ in range(pairs):
        name = string()
        kind = struct.unpack_from("<I", b, at)[0]
        at += 4
        if kind == 8:
            values[name] = string()
        elif kind == 9:
            inner, n = struct.unpack_from("<IQ", b, at)
            at += 12
            values[name] = [string() if inner == 8 else None for _ in range(n)]
            assert inner == 8
        else:
            values[name] = struct.unpack_from("<I", b, at)[0]
            at += {6: 4, 4: 4, 5: 4, 7: 1, 10: 8}[kind]
    found = {}
    for _ in range(count):
        name = string()
        dims, = struct.unpack_from("<I", b, at)
        at += 4 + 8 * dims
        found[name] = TYPES[struct.unpack_from("<I", b, at)[0]]
        at += 12
    return values, found


def kind(name):
    """The name with * for the layer."""
    parts = name.split(".")
    return ".".join([parts[0], "*"] + parts[2:]) if parts[0] == "blk" else name


def by_kind(found):
    """Type of each kind of tensor: one name for all layers, or one for each."""
    kinds = {}
    for name, t in found.items():
        layer = int(name.split(".")[1]) if name.startswith("blk.") else 0
        kinds.setdefault(kind(name), {})[layer] = t
    return {k: layers[0] if len(set(layers.values())) == 1 else " ".join(layers[l] for l in sorted(layers)) for k, layers in sorted(kinds.items()) if layers[0] != "F32"}


def main():
    result = []
    with tempfile.TemporaryDirectory() as folder:
        source, imatrix, target = (os.path.join(folder, n) for n in ("source.gguf", "imatrix.gguf", "target.gguf"))
        for name, m in MODELS.items():
            listed = list(shapes(m))
            write(source, keys(m), [(n, d, 0 if len(d) == 1 or "gate_inp" in n else 1, struct.pack("<f", 1) * number_of(d) if len(d) == 1 or "gate_inp" in n else b"\x00\x2c" * number_of(d)) for n, d in listed])
            entries = []
            for n, d in listed:
                if len(d) > 1 and "token_embd" not in n:
                    experts = d[2:]
                    entries += [(n + ".in_sum2", [d[0]] + experts, 0, struct.pack("<f", 1) * number_of([d[0]] + experts)), (n + ".counts", [1] + experts, 0, struct.pack("<f", 1) * number_of([1] + experts))]
            write(imatrix, [("general.type", "imatrix"), ("imatrix.datasets", ["ones"]), ("imatrix.chunk_count", 1), ("imatrix.chunk_size", 64)], entries)
            cases = []
            for mixture in MIXTURES:
                for weighted in (False, True):
                    run = subprocess.run([PROGRAM] + (["--imatrix", imatrix] if weighted else []) + [source, target, mixture, "1"], capture_output=True, text=True)
                    if run.returncode:
                        print(name, mixture, weighted, "refused:", run.stderr.strip().splitlines()[-1], file=sys.stderr)
                        cases.append(dict(mixture=mixture.lower(), imatrix=weighted, refused=True))
                        continue
                    values, found = types(target)
                    cases.append(dict(mixture=mixture.lower(), imatrix=weighted, file_type=values["general.file_type"], types=by_kind(found)))
            result.append(dict(name=name, keys=dict(keys(m)), tensors={kind(n): d for n, d in listed}, cases=cases))
            print(name, len(cases), file=sys.stderr)
    with open(OUT, "w") as f:
        json.dump(result, f, indent=None, separators=(",", ":"))
        f.write("\n")


main()
