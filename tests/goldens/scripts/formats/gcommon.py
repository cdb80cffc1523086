"""Shared helpers for the file-format and tokenizer golden generators. Deterministic: every number comes from a named seed."""
import ctypes, json, os, sys, hashlib
import numpy as np
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, '..', '..', '..'))
DATA = os.path.join(ROOT, 'data')
# folder of the ggml/llama.cpp shared libraries of the npm package @node-llama-cpp/linux-x64
NODE_DIR = os.environ.get('NODE_DIR', os.path.expanduser('~/node'))
LLAMA_BIN = os.environ.get('LLAMA_BIN', os.path.join(NODE_DIR, 'node_modules/@node-llama-cpp/linux-x64/bins/linux-x64'))
SETS = {
    'visible': (os.path.join(ROOT, 'shared', 'goldens'), 1000),
    
}
def sets():
    for name, (root, seed) in SETS.items():
        yield name, root, seed
def outdir(root, *p):
    d = os.path.join(root, *p); os.makedirs(d, exist_ok=True); return d
def rng(*key):
    h = hashlib.sha256(repr(key).encode()).digest()
    return np.random.default_rng(int.from_bytes(h[:8], 'little'))
def save_st(path, tensors, meta=None):
    from safetensors.numpy import save_file
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, path, metadata=meta)
def save_json(path, obj, indent=1):
    with open(path, 'w', encoding='utf-8', newline='\n') as f:
        json.dump(obj, f, indent=indent, ensure_ascii=True); f.write('\n')

class Ggml:
    def __init__(self):
        self.L = ctypes.CDLL(os.path.join(LLAMA_BIN, 'libggml-base.so'), mode=ctypes.RTLD_GLOBAL)
        self.L.ggml_quantize_chunk.restype = ctypes.c_size_t
        self.L.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
    def quantize(self, t, x, imatrix=None):
        from gguf.constants import GGML_QUANT_SIZES
        bs, ts = GGML_QUANT_SIZES[t]
        x = np.ascontiguousarray(x, np.float32); rows, n = x.shape
        out = np.zeros((rows, n // bs * ts), np.uint8)
        im = None if imatrix is None else np.ascontiguousarray(imatrix, np.float32).ctypes.data
        r = self.L.ggml_quantize_chunk(int(t), x.ctypes.data, out.ctypes.data, 0, rows, n, im)
        assert r == out.nbytes, (t, r, out.nbytes)
        return out
    def quantize_ref(self, name, t, x):
        from gguf.constants import GGML_QUANT_SIZES
        bs, ts = GGML_QUANT_SIZES[t]
        x = np.ascontiguousarray(x, np.float32); rows, n = x.shape
        out = np.zeros((rows, n // bs * ts), np.uint8)
        f = getattr(self.L, 'quantize_row_%s_ref' % name); f.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]; f.restype = None
        f(x.ctypes.data, out.ctypes.data, rows * n)
        return out
    def dequantize(self, name, q, n):
        out = np.zeros((q.shape[0], n), np.float32); q = np.ascontiguousarray(q)
        f = getattr(self.L, 'dequantize_row_%s' % name); f.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]; f.restype = None
        f(q.ctypes.data, out.ctypes.data, q.shape[0] * n)
        return out
