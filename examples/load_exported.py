"""Samples from an exported generator without moegan_jax.

  python examples/load_exported.py FOLDER 10 0 [LABEL]

Prints ten sentences of seed 0, the same ones as `moegan-jax sample`. FOLDER is
the output of `moegan-jax export`. LABEL is a class of a conditional generator;
without it, all classes take turns. The script needs numpy, flatbuffers, and jax
of the version that wrote the files or a later one.
"""

import json
import sys

import jax
import jax.export
import numpy as np

folder, n, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(f'{folder}/generator.json', encoding='utf-8') as file:
  about = json.load(file)
with open(f'{folder}/program.stablehlo', 'rb') as file:
  program = jax.export.deserialize(bytearray(file.read()))
with open(f'{folder}/weights.safetensors', 'rb') as file:
  header = json.loads(file.read(int.from_bytes(file.read(8), 'little')))
  data = file.read()
weights = {}
for name, entry in header.items():  # all weights are float32
  flat = np.frombuffer(data[slice(*entry['data_offsets'])], np.float32)
  weights[name] = flat.reshape(entry['shape'])
key, first = np.array([0, seed], np.uint32), np.int32(0)
prefix = np.full((n, about['length']), -1, np.int32)  # -1: no given token
settings = [np.float32(1), np.int32(0), np.float32(1)]  # temperature, k, p
if about.get('labels'):  # one more argument: classes, -1 for all in turn
  label = about['labels'].index(sys.argv[4]) if sys.argv[4:] else -1
  settings.append(np.full(n, label, np.int32))
tokens = jax.jit(program.call)(weights, key, first, prefix, *settings)
for row in np.asarray(tokens).tolist():
  end = row.index(about['pad']) if about['pad'] in row else len(row)
  line = about['separator'].join(about['vocabulary'][i] for i in row[:end])
  if about['bytes']:  # byte pairs: each character stands for a byte
    line = bytes(about['bytes'][c] for c in line).decode(errors='replace')
  print(line)
