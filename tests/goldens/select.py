#!/usr/bin/env python3
"""Chooses the small goldens of this folder from a whole set of goldens: select.py SOURCE

SOURCE is a folder that the scripts beside this file have made. Files are copied as they are, but for
tensors that no test reads, rows of block formats beyond the first two, layer cases that are not chosen,
and the entries of index files about what is left out. Needs Python alone.
"""
import glob, json, os, struct, sys

SOURCE = sys.argv[1]
TARGET = os.path.dirname(os.path.abspath(__file__))

# Copied as they are.
COPIED = """
methods/inputs_24x40.safetensors methods/gptq_H_24x40.safetensors methods/gptq_24x40_*.safetensors methods/rtn_ties_b3.safetensors
methods/rtn_24x40_b2_g8.safetensors methods/rtn_24x40_b3_g32.safetensors methods/rtn_24x40_b4_g0.safetensors methods/rtn_24x40_b8_g24.safetensors
methods/peqa_24x40_b2_g8.safetensors methods/peqa_24x40_b3_g24.safetensors methods/peqa_24x40_b4_g0.safetensors methods/peqa_24x40_b8_g8.safetensors
methods/lora_24x40_r4.safetensors methods/qlora_24x40_r4.safetensors methods/qalora_24x40_b4_g8.safetensors methods/qatlora_24x40_b3_g8.safetensors
methods/lowrank_24x40_b3_g8_k*.safetensors methods/l4q_24x40_b2_g24.safetensors methods/l4q_24x40_b4_g8.safetensors methods/l4qinit_24x40_b3_g8.safetensors
methods/lsq_24x40_b3_g8.safetensors methods/loftq_24x40_b*_g8.safetensors
models/llama-gqa/* models/opt/* families/qwen2_moe/*
train/batches_llama-gqa.safetensors train/batches_opt.safetensors train/peqa_b4_channel.safetensors train/lora_qv_r4.safetensors
train/opt_peqa_b4_channel.safetensors train/lora_qv_r4_peft_adapter/*
optim/adamw_meta.json optim/schedules.json sampling/* runs/runs.json
tokenizers/tiny_bpe_*.json tokenizers/tok512.* tokenizers/chat_templates.json
eval/rouge/pairs.json eval/rouge/porter_stems.json eval/rouge/superni_zeroshot.json
formats/edge/*/* formats/gguf_blocks/F16_BF16.safetensors formats/gguf_blocks/index.json formats/gguf_iquants/index.json
formats/gguf_models/legacy_mixed_spm.gguf formats/gguf_models/q4_1_tied_bpe.gguf formats/gguf_models/tokenizer_bpe_*.json
formats/gguf_families/qwen3_moe.q4_0.gguf formats/gguf_families/gpt_neox.q4_0.gguf
formats/gguf_families/gemma2.q4_0.gguf formats/gguf_families/gemma3.q4_0.gguf formats/gguf_families/granite.q4_0.gguf formats/gguf_families/olmo2.q4_0.gguf
formats/gguf_families/phi3.q4_0.gguf formats/gguf_families/phi3-longrope.q8_0.gguf formats/gguf_families/smollm3.q4_0.gguf
formats/gptq/model_b4_g32_asym_act/* formats/awq/model_g32/*
"""

# Layer cases, by the file that holds them.
LAYERS = {
    "formats/gptq/gptq_b3.safetensors": ["wrap_g32_asym_act0", "g32_sym_act1"],
    "formats/gptq/gptq_b4.safetensors": ["v2_g32_asym_act0"],
    "formats/gptq/gptq_b8.safetensors": ["g64_asym_act0"],
    "formats/awq/awq_b4.safetensors": ["g32_128x96_bias"],
    "formats/mlx/mlx_affine.safetensors": ["b3_g64_bfloat16", "b6_g64_float32"],
    "formats/bitsandbytes/bnb_4bit.safetensors": ["nf4_bs64_dq1_33x70_float16", "fp4_bs128_dq0_33x70_float16", "nf4_bs64_dq1_48x128_bfloat16"],
    "formats/compressed_tensors/pack_quantized.safetensors": ["b4_g128_asym_float16"],
}


def write(relative, data):
    path = os.path.join(TARGET, relative)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def read(relative):
    with open(os.path.join(SOURCE, relative), "rb") as f:
        return f.read()


def write_json(relative, value):
    write(relative, (json.dumps(value, indent=1, ensure_ascii=True) + "\n").encode())


def select_tensors(relative, keep, rows=None):
    """The tensors whose names keep() accepts; of those, the first rows alone where rows is given."""
    data = read(relative)
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    kept, parts, at = {}, [], 0
    for name, tensor in header.items():
        if name == "__metadata__":
            kept[name] = tensor
        elif keep(name):
            first, last = tensor["data_offsets"]
            shape = list(tensor["shape"])
            if rows and rows < shape[0]:
                last = first + (last - first) // shape[0] * rows
                shape[0] = rows
            parts.append(data[8 + size + first:8 + size + last])
            kept[name] = {"dtype": tensor["dtype"], "shape": shape, "data_offsets": [at, at + last - first]}
            at += last - first
    text = json.dumps(kept, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    write(relative, struct.pack("<Q", len(text)) + text + b"".join(parts))


def gguf_metadata(data):
    """A GGUF file's metadata alone: the same file without tensors."""
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    count = struct.unpack("<Q", data[16:24])[0]
    at = 24

    def skip(kind, at):
        if kind == 8:
            return at + 8 + struct.unpack("<Q", data[at:at + 8])[0]
        if kind == 9:
            inner, length = struct.unpack("<IQ", data[at:at + 12])
            at += 12
            for _ in range(length):
                at = skip(inner, at)
            return at
        return at + sizes[kind]

    for _ in range(count):
        at = skip(8, at)
        at = skip(struct.unpack("<I", data[at:at + 4])[0], at + 4)
    return data[:8] + struct.pack("<Q", 0) + data[16:at]


def main():
    for pattern in COPIED.split():
        found = sorted(glob.glob(os.path.join(SOURCE, pattern)))
        assert found, pattern
        for path in found:
            write(os.path.relpath(path, SOURCE), open(path, "rb").read())

    here = lambda relative: os.path.exists(os.path.join(TARGET, relative))

    meta = json.loads(read("methods/meta.json"))
    write_json("methods/meta.json", {"formulas": meta["formulas"], "cases": {n: c for n, c in meta["cases"].items() if here(f"methods/{n}.safetensors")}})
    meta = json.loads(read("train/meta.json"))
    write_json("train/meta.json", meta | {"cases": {n: c for n, c in meta["cases"].items() if here(f"train/{n}.safetensors")}})
    select_tensors("optim/adamw.safetensors", lambda name: ".p64." not in name)

    for entry in json.loads(read("formats/gguf_blocks/index.json")):
        select_tensors(f"formats/gguf_blocks/{entry['type']}.safetensors", lambda name: name != "x", rows=2)
    for entry in json.loads(read("formats/gguf_iquants/index.json")):
        select_tensors(f"formats/gguf_iquants/{entry['type']}.safetensors", lambda name: name not in ("x", "imatrix"), rows=1)
    quantized = ["Q4_0", "Q5_1", "Q8_0"]
    for kind in quantized:
        select_tensors(f"formats/gguf_quantize/{kind}.safetensors", lambda name: name != "deq")
    write_json("formats/gguf_quantize/index.json", [e for e in json.loads(read("formats/gguf_quantize/index.json")) if e["type"] in quantized])

    select_tensors("formats/gguf_quantize_imatrix/rows.safetensors", lambda name: name in ("x", "imatrix"))
    write_json("formats/gguf_quantize_imatrix/index.json", json.loads(read("formats/gguf_quantize_imatrix/index.json")))

    for folder in ["formats/gguf_models/", "formats/gguf_families/"]:
        models = [e for e in json.loads(read(folder + "index.json")) if here(folder + e["file"])]
        write_json(folder + "index.json", models)
        for entry in models:
            select_tensors(folder + entry["expected"], lambda name: name != "logits_llamacpp")
    write("formats/gguf_metadata/f32_spm.gguf", gguf_metadata(read("formats/gguf_models/f32_spm.gguf")))

    for file, cases in LAYERS.items():
        select_tensors(file, lambda name: name.split(".")[0] in cases)
    for folder in sorted({os.path.dirname(file) for file in LAYERS}):
        chosen = {(file, case) for file, cases in LAYERS.items() for case in cases}
        entries = [e for e in json.loads(read(folder + "/index.json")) if (f"{folder}/{e['file']}", e["name"]) in chosen]
        write_json(folder + "/index.json", entries)


main()
