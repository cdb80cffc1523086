#!/usr/bin/env python3
"""Writes the first inputs of the corpus: the smallest files that reach every kind of content. What fuzzing adds has hashes for names; these have words."""
import io, json, os, struct, zipfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def save(target, name, content):
    os.makedirs(os.path.join(HERE, target), exist_ok=True)
    with open(os.path.join(HERE, target, name), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


# GGUF: (number, values of a block, bytes of a block)
BLOCKS = [(0, 1, 4), (1, 1, 2), (30, 1, 2), (2, 32, 18), (3, 32, 20), (6, 32, 22), (7, 32, 24), (8, 32, 34), (10, 256, 84), (11, 256, 110), (12, 256, 144), (13, 256, 176),
          (14, 256, 210), (20, 32, 18), (23, 256, 136), (34, 256, 54), (35, 256, 66), (39, 32, 17), (9, 32, 36)]


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def value(item):
    if isinstance(item, bool):
        return 7, struct.pack("<?", item)
    if isinstance(item, int):
        return (4, struct.pack("<I", item)) if item >= 0 else (11, struct.pack("<q", item))
    if isinstance(item, float):
        return 6, struct.pack("<f", item)
    if isinstance(item, str):
        return 8, text(item)
    kind = value(item[0])[0] if item else 4
    return 9, struct.pack("<IQ", kind, len(item)) + b"".join(value(i)[1] for i in item)


def gguf(metadata, tensors, version=3):
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    for key, item in metadata.items():
        kind, content = value(item)
        out += text(key) + struct.pack("<I", kind) + content
    at = 0
    for name, sizes, number, content in tensors:
        out += text(name) + struct.pack("<I", len(sizes)) + b"".join(struct.pack("<Q", s) for s in sizes) + struct.pack("<IQ", number, at)
        at += (len(content) + 31) // 32 * 32
    out += b"\0" * (-len(out) % 32)
    return out + b"".join(content + b"\0" * (-len(content) % 32) for _, _, _, content in tensors)


def data(count):
    return bytes((i * 37 + 11) % 251 for i in range(count))


save("gguf", "types", gguf({"general.architecture": "llama", "a": 1, "b": -1, "c": 0.5, "d": True, "e": ["x", "y"], "f": [1, 2, 3]},
                           [(f"t{number}", [values, 2], number, data(2 * size)) for number, values, size in BLOCKS]))
save("gguf", "version2", gguf({"general.architecture": "llama", "general.alignment": 32}, [("t", [3], 0, data(12))], version=2))
PIECES = ["<unk>", "<s>", "</s>"] + [chr(c) for c in range(97, 123)] + ["th", "the", "\u0120"]
save("gguf", "tokenizer-gpt2", gguf({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.tokens": PIECES, "tokenizer.ggml.token_type": [2, 3, 3] + [1] * (len(PIECES) - 3),
                                     "tokenizer.ggml.merges": ["t h", "th e"], "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2, "tokenizer.chat_template": "{{ messages[0].content }}"}, []))
SPACED = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + ["\u2581", "t", "h", "e", "th", "the", "\u2581the"]
save("gguf", "tokenizer-llama", gguf({"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": SPACED, "tokenizer.ggml.scores": [-float(i) for i in range(len(SPACED))],
                                      "tokenizer.ggml.token_type": [2, 3, 3] + [6] * 256 + [1] * 7, "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2}, []))

# safetensors
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1}


def safetensors(tensors, metadata=None):
    header, at = ({"__metadata__": metadata} if metadata else {}), 0
    for name, kind, shape in tensors:
        count = SIZES[kind]
        for size in shape:
            count *= size
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + count]}
        at += count
    content = json.dumps(header).encode()
    return struct.pack("<Q", len(content)) + content + data(at)


save("safetensors", "types", safetensors([(kind.lower(), kind, [2, 3]) for kind in SIZES], {"format": "pt"}))
save("safetensors", "scalars", safetensors([("a", "F32", []), ("b", "F16", [0, 4]), ("c", "BF16", [5])]))


# pickle
def torch(tensors):
    def string(item):
        return b"X" + struct.pack("<I", len(item)) + item.encode()

    def number(item):
        return b"J" + struct.pack("<i", item)

    pickle = b"\x80\x02}("
    for i, (name, storage, rows, columns) in enumerate(tensors):
        pickle += string(name) + b"ctorch._utils\n_rebuild_tensor_v2\n((" + string("storage") + b"ctorch\n" + storage.encode() + b"\n" + string(str(i)) + string("cpu")
        pickle += number(rows * columns) + b"tQK\0" + number(rows) + number(columns) + b"\x86" + number(columns) + b"K\x01\x86\x89ccollections\nOrderedDict\n)RtR"
    pickle += b"u."
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        files = [("data.pkl", pickle)] + [(f"data/{i}", data(rows * columns * (4 if storage == "FloatStorage" else 2))) for i, (_, storage, rows, columns) in enumerate(tensors)] + [("version", b"3\n")]
        for name, content in files:
            archive.writestr(zipfile.ZipInfo("archive/" + name), content)
    return out.getvalue()


save("pickle", "float", torch([("model.embed_tokens.weight", "FloatStorage", 6, 4), ("model.norm.weight", "FloatStorage", 1, 4)]))
save("pickle", "half", torch([("a", "HalfStorage", 2, 2), ("b", "BFloat16Storage", 3, 1)]))

# tokenizer.json
SPECIAL = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} for i, t in enumerate(["<s>", "</s>", "<unk>"])]
WORDS = ["<s>", "</s>", "<unk>"] + [chr(c) for c in range(97, 123)] + ["th", "the", "\u0120", "\u0120the", "\u2581"]
LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def tokenizer(name, model, **more):
    save("tokenizer", name, json.dumps({"version": "1.0", "truncation": None, "padding": None, "added_tokens": SPECIAL, "normalizer": None, "pre_tokenizer": None, "post_processor": None,
                                        "decoder": None, "model": model, **more}, ensure_ascii=False))


BPE = {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "vocab": {w: i for i, w in enumerate(WORDS)}, "merges": ["t h", "th e", "\u0120 the"]}
tokenizer("bytes", BPE, pre_tokenizer=LEVEL, decoder=LEVEL, post_processor={"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
          "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}})
tokenizer("split", {**BPE, "merges": [["t", "h"], ["th", "e"]], "ignore_merges": True}, normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}, {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}]},
          pre_tokenizer={"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "(?i:'s|'t)|\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|[^\\s\\p{L}]"}, "behavior": "Isolated", "invert": False},
                                                               {"type": "Digits", "individual_digits": True}, LEVEL]}, decoder=LEVEL)
tokenizer("spaced", {**BPE, "byte_fallback": True}, normalizer={"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
          decoder={"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})
tokenizer("unigram", {"type": "Unigram", "unk_id": 2, "byte_fallback": False, "vocab": [[w, -float(i)] for i, w in enumerate(WORDS)]}, normalizer={"type": "NFKC"},
          pre_tokenizer={"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}, decoder={"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True})

# templates
save("template", "chatml", "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
save("template", "llama", "{%- if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] | trim %}{% set loop_messages = messages[1:] %}{% else %}{% set loop_messages = messages %}{% endif -%}"
     "{{ bos_token }}{% for m in loop_messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles alternate') }}{% endif %}{% if loop.first and system is defined %}{{ '<<SYS>>' ~ system }}{% endif %}{{ m.content.strip() }}{% endfor %}")
save("template", "macros", "{% macro say(who, what='nothing') -%}{{ who | upper }}: {{ what | replace('a', 'b') }}{%- endmacro %}{% set ns = namespace(n=0) %}{% for m in messages recursive %}{% set ns.n = ns.n + loop.length // 2 %}"
     "{{ say(m.role, m.content) }}{{ loop.cycle('x', 'y') }}{% else %}none{% endfor %}{{ '%05.2f|%s' | format(ns.n, [1, 2, {'a': none}] | tojson(indent=2)) }}{% filter indent(4, true) %}a\nb{% endfilter %}")
save("template", "filters", "{{ [3, 1, 2] | sort(reverse=true) | join(', ') }}{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list | length }}{{ 'a,b'.split(',')[::-1] }}{{ {'b': 1, 'a': 2} | dictsort }}"
     "{{ messages | groupby('role') | first }}{{ range(3, 9, 2) | batch(2, 0) | list }}{{ 'the quick brown' | title | wordwrap(5) | truncate(9) }}{{ 7.5 | round(1, 'floor') | int ** 2 }}{{ x is not defined and true or false }}{% raw %}{{ }}{% endraw %}{# note #}")

# run files
save("yaml", "run", "# a run\nmethod: peqa\ngranularity: separable\nlr: 2e-3\nsteps: 100\nbatch: 2\nshuffle: true\ndata: 'my data.jsonl'\nrank_pattern: \"q_proj=8\"\n")
save("yaml", "forms", "method: !!str lora\nsteps: 0x10\nlr: .5\nalpha: 1_000\nout: |\n  a\n  b\ntargets: >-\n  q\n  v\nbase-model: ~\n")
