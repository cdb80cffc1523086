#!/bin/sh
# Regenerates every file-format and tokenizer golden (deterministic), then checks them. One thread, about one minute.
# Needs: python with torch, transformers, tokenizers, sentencepiece, tiktoken, gguf, safetensors, auto_gptq, autoawq, mlx[cpu], bitsandbytes, compressed-tensors;
# the ggml/llama.cpp libraries of npm node-llama-cpp 3.22.1 (NODE_DIR or LLAMA_BIN); SMOL_HF = transformers' conversion of the SmolLM2 GGUF.
set -e
cd "$(dirname "$0")"; export OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
for i in p1_gguf_blocks p2_gguf_models p3_gptq p4_awq p5_mlx_bnb p6_compressed_tensors p7_edge p8_tokenizers p9_chat p11_gguf_families check check_models; do echo "== $i"; python -W ignore $i.py > /tmp/goldens_$i.log 2>&1 || { tail -5 /tmp/goldens_$i.log; exit 1; }; done
find ../../../shared/goldens/formats ../../../shared/goldens/tokenizers -type f -exec chmod 644 {} +
tail -n 1 /tmp/goldens_check.log; tail -n 1 /tmp/goldens_check_models.log
