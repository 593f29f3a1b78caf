"""Writes and loads an exported generator: three files.

generator.json: vocabulary, codec, origin, checksums. `labels` has the classes
  of a conditional generator, whose `format` is 2 and whose program takes one
  more argument, the label of each row; others have format 1.
weights.safetensors: the leaves of the training state that the program reads
program.stablehlo: the sampling program, serialised by `jax.export`. It is a
  `sampler.Program` of named weights, for any batch size, on CPU and CUDA.

examples/load_exported.py samples from these files without this package.
"""

import hashlib
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import safetensors.numpy
from jax import export
from safetensors import SafetensorError

from moegan_jax.data import bpe
from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError
from moegan_jax.files import read_json, write_bytes, write_json
from moegan_jax.sampler import CHUNK, Program, Sampler, corpus_of
from moegan_jax.trained import Trained

DESCRIPTION = 'generator.json'  # written last: marks a complete export
WEIGHTS = 'weights.safetensors'
PROGRAM = 'program.stablehlo'
PLATFORMS = ('cpu', 'cuda')


def write(
  folder: str | os.PathLike, run: Trained, origin: dict[str, Any]
) -> None:
  """Writes an exported generator.

  Args:
    folder: created if needed; files of an earlier export are replaced
    run: the trained system
    origin: run, checkpoint and seed, as values that JSON can hold

  Raises:
    UserError: the folder cannot be written.
  """
  folder = pathlib.Path(folder)
  try:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DESCRIPTION).unlink(missing_ok=True)
  except OSError as error:
    raise UserError(
      f'cannot write to {folder}: {error.strerror}; name another folder'
    ) from error
  lowered, weights = lower(
    run.program, run.state, run.corpus.length, bool(run.classes)
  )
  contents = {
    WEIGHTS: safetensors.numpy.save(weights),
    PROGRAM: bytes(lowered.serialize()),
  }
  for name, content in contents.items():
    write_bytes(folder / name, content)
  write_json(
    folder / DESCRIPTION,
    {
      'format': 2 if run.classes else 1,
      'labels': run.classes,
      'origin': origin | {'step': run.step},
      'jax': jax.__version__,
      'platforms': PLATFORMS,
      'sha256': {k: _sha256(v) for k, v in contents.items()},
      **_described(run.corpus),
    },
  )


def load(folder: str | os.PathLike, chunk: int = CHUNK) -> Sampler:
  """Loads an exported generator.

  Args:
    folder: folder that `write` wrote
    chunk: batch size

  Raises:
    UserError: the folder is no exported generator, a file is missing or
      damaged, or this version of JAX or the device cannot run the program.
  """
  folder = pathlib.Path(folder)
  if not (folder / DESCRIPTION).is_file():
    raise UserError(
      f'{folder} is no exported generator: it has no {DESCRIPTION}; write one '
      'with moegan-jax export'
    )
  known = read_json(folder / DESCRIPTION)
  corpus = corpus_of(known, folder / DESCRIPTION)
  content = {}
  for name in (WEIGHTS, PROGRAM):
    try:
      content[name] = (folder / name).read_bytes()
    except OSError as error:
      raise UserError(
        f'cannot read {folder / name}: {error.strerror}; export it again'
      ) from error
    if _sha256(content[name]) != known.get('sha256', {}).get(name):
      raise UserError(
        f'{folder / name} is damaged (wrong checksum); export it again'
      )
  try:
    program = export.deserialize(bytearray(content[PROGRAM]))
    weights = safetensors.numpy.load(content[WEIGHTS])
  # The checksums match, so the cause is another version of JAX.
  except (ValueError, SafetensorError) as error:
    raise UserError(
      f'{folder}, written by jax {known.get("jax")}, cannot be read by jax '
      f'{jax.__version__} ({error}); install that version, or export it again'
    ) from error
  if jax.default_backend() not in ('gpu', *program.platforms):
    raise UserError(
      f'{folder} is for {", ".join(program.platforms)}, not for '
      f'{jax.default_backend()}; set JAX_PLATFORMS to one of them'
    )
  # Exports of earlier versions have no `labels`.
  classes = known.get('labels', ())
  return Sampler(program.call, jax.device_put(weights), corpus, chunk, classes)


def lower(
  program: Program, state: Any, length: int, labelled: bool = False
) -> tuple[export.Exported, dict[str, np.ndarray]]:
  """Lowers a sampling program for any batch size.

  Args:
    program: sampling program whose weights are the state
    state: training state of one seed
    length: T
    labelled: whether the program takes labels

  Returns:
    A `Program` of named weights, and these weights.
  """
  (n,) = export.symbolic_shape('n')
  inputs = [
    jax.ShapeDtypeStruct(shape, dtype)
    for shape, dtype in (
      ((2,), np.uint32),  # key
      ((), np.int32),  # first
      ((n, length), np.int32),  # prefix
      ((), np.float32),  # temperature
      ((), np.int32),  # top_k
      ((), np.float32),  # top_p
      *[((n,), np.int32)] * labelled,  # labels
    )
  ]
  of_weights, weights = _of_weights(program, state, inputs)
  lowered = export.export(jax.jit(of_weights), platforms=PLATFORMS)
  return lowered(weights, *inputs), weights


def _of_weights(
  program: Program, state: Any, inputs: Sequence[Any]
) -> tuple[Callable, dict[str, np.ndarray]]:
  """Converts a program of a state to a program of named weights.

  Args:
    program: sampling program whose weights are the state
    state: training state of one seed
    inputs: shapes of the other arguments of the program

  Returns:
    The program, and name -> leaf of the state. Only leaves that the program
    reads are included, so there are no discriminators and optimizers.
  """
  flat, tree = jax.tree_util.tree_flatten_with_path(state)
  traced = jax.make_jaxpr(program)(state, *inputs).jaxpr
  read = {id(x) for equation in traced.eqns for x in equation.invars}
  names = [
    jax.tree_util.keystr(path, simple=True, separator='/') for path, _ in flat
  ]
  weights = {
    name: np.asarray(leaf)
    for name, (_, leaf), x in zip(names, flat, traced.invars)
    if id(x) in read
  }

  def of_weights(weights, *inputs):
    # None replaces the leaves that the program does not read.
    return program(
      jax.tree_util.tree_unflatten(tree, map(weights.get, names)), *inputs
    )

  return of_weights, weights


def _described(corpus: Corpus) -> dict[str, Any]:
  """Describes the vocabulary and the codec for `corpus_of` and other loaders.

  separator: string between two tokens of a line
  bytes: for bpe, the byte that each character of the joined tokens
    represents; {} for the other codecs, whose joined tokens are the text
  """
  numbers = tuple(map(str, range(corpus.vocab_size)))
  separator = ' ' if corpus.codec.join(['a', 'b']) == 'a b' else ''
  return corpus.known() | {
    'separator': separator,
    'bytes': bpe.byte_of() if corpus.codec.name == bpe.NAME else {},
    'vocabulary': corpus.vocabulary or numbers,
  }


def _sha256(content: bytes) -> str:
  return hashlib.sha256(content).hexdigest()
