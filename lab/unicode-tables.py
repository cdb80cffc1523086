#!/usr/bin/env python3
"""Writes src/Vernier/Tokens/Unicode/{Normalization,CharacterSets}.txt from the Unicode Character Database (Debian: package unicode-data).

The normalization table holds the characters up to Unicode 11, as the library does that made the text of the published
models (Hugging Face tokenizers): a character added later has no decomposition and no combining class there. Unicode's
stability policy makes this cut exact."""
import sys

ucd = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode"
out = sys.argv[2] if len(sys.argv) > 2 else "src/Vernier/Tokens/Unicode"
LATEST = (11, 0)


def rows(name):
    for line in open(f"{ucd}/{name}", encoding="utf-8"):
        line = line.split("#")[0].strip()
        if line:
            yield [field.strip() for field in line.split(";")]


def span(text):
    first, _, last = text.partition("..")
    return int(first, 16), int(last or first, 16)


version = open(f"{ucd}/DerivedAge.txt", encoding="utf-8").readline().strip("# \n").removeprefix("DerivedAge-").removesuffix(".txt")
known = set()
for characters, age in rows("DerivedAge.txt"):
    if tuple(int(part) for part in age.split(".")) <= LATEST:
        first, last = span(characters)
        known.update(range(first, last + 1))
excluded = {int(row[0], 16) for row in rows("CompositionExclusions.txt")}

with open(f"{out}/Normalization.txt", "w", encoding="ascii") as table:
    table.write(f"# From UnicodeData.txt and CompositionExclusions.txt {version}, characters up to Unicode {LATEST[0]}.{LATEST[1]}; see lab/unicode-tables.py.\n")
    table.write("# character, then: = canonical decomposition that composes again, ! one that does not, < compatibility decomposition, c combining class\n")
    for row in rows("UnicodeData.txt"):
        character = int(row[0], 16)
        if character not in known:
            continue
        if row[3] != "0":
            table.write(f"{character:X} c {row[3]}\n")
        if row[5].startswith("<"):
            table.write(f"{character:X} < {row[5].split('> ')[1]}\n")
        elif row[5]:
            composes = character not in excluded and " " in row[5]
            table.write(f"{character:X} {'=' if composes else '!'} {row[5]}\n")

sets = {}
for characters, script in rows("Scripts.txt"):
    sets.setdefault(script.replace("_", "").lower(), []).append(span(characters))
for characters, name in rows("DerivedCoreProperties.txt"):
    if name in ("Alphabetic", "Lowercase", "Uppercase"):
        sets.setdefault(name.lower(), []).append(span(characters))
with open(f"{out}/CharacterSets.txt", "w", encoding="ascii") as table:
    table.write(f"# From Scripts.txt and DerivedCoreProperties.txt {version}; see lab/unicode-tables.py.\n")
    for name in sorted(sets):
        runs = []
        for first, last in sorted(sets[name]):
            if runs and runs[-1][1] + 1 == first:
                runs[-1][1] = last
            else:
                runs.append([first, last])
        table.write(name + "".join(f" {first:X}" + (f"-{last:X}" if last > first else "") for first, last in runs) + "\n")
