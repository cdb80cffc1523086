#!/usr/bin/env python3
"""Windows of 700 characters, drawn by size, as "mutate" patterns for dotnet-stryker: sample.py PROJECT FOLDER WINDOWS SEED"""
import glob, json, os, random, sys

project, folder, windows, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
draw = random.Random(seed)
files = sorted(p for p in glob.glob(os.path.join(project, folder, "**", "*.cs"), recursive=True) if "/obj/" not in p and "/bin/" not in p)
sizes = [len(open(p, encoding="utf-8-sig").read()) for p in files]
chosen = {}
for _ in range(windows):
    at = draw.choices(range(len(files)), sizes)[0]
    start = draw.randrange(max(1, sizes[at] - 700))
    chosen.setdefault(files[at], []).append((start, start + 700))
print(json.dumps([f"**/{os.path.relpath(p, project)}{{{a}..{b}}}" for p, spans in sorted(chosen.items()) for a, b in sorted(spans)]))
