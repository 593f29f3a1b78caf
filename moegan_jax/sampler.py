"""Text of a trained generator, be its program a run's or an exported one."""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError
from moegan_jax.ops.relaxation import check_truncation, truncate
from moegan_jax.types import Array, System

FREE = -1  # in a prefix: the generator chooses this token
CHUNK = 256  # sentences at a time
GREEDY = 1e-6  # temperature at which noise no longer changes the choice

# (weights, key uint32 [2], first int32 [], prefix int32 [n, T], temperature
# float32 [], top_k int32 [], top_p float32 []) -> tokens int32 [n, T]: rows
# `first .. first + n - 1` of the key's sample.
Program = Callable[..., Array]


class Style(NamedTuple):
  """How sentences are drawn.

  temperature: divides the logits
  top_k, top_p: see `ops.relaxation.truncate`; 0 and 1 leave all words
  prefix: what every sentence begins with
  """

  temperature: float = 1.0
  top_k: int = 0
  top_p: float = 1.0
  prefix: str = ''


PLAIN = Style()


def program_of(system: System) -> Program:
  """The program of a system; its weights are a state of one seed."""

  def program(state, key, first, prefix, temperature, top_k, top_p):
    return system.sample(
      state,
      jax.random.wrap_key_data(key, impl='threefry2x32'),
      prefix.shape[0],
      temperature,
      first,
      truncate=partial(truncate, top_k=top_k, top_p=top_p),
      prefix=prefix,
      given=prefix != FREE,
    )

  return program


def corpus_of(known: Mapping[str, Any], path: str | os.PathLike) -> Corpus:
  """The vocabulary and the codec of a run, without sentences.

  Args:
    known: what corpus.json says
    path: of that file, for messages

  Raises:
    UserError: something is missing in it, or the codec is unknown.
  """
  try:
    return Corpus.from_known(known)
  except KeyError as error:
    raise UserError(f'{path} is damaged: it lacks {error}') from error


class Sampler:
  """Sentences; row i depends on the seed and on i only.

  corpus: the vocabulary and the codec, without sentences
  """

  def __init__(
    self, program: Program, weights: Any, corpus: Corpus, chunk: int = CHUNK
  ):
    """Nothing is compiled yet.

    Args:
      chunk: how many sentences are drawn in one call. They do not depend on
        it but for rounding: a product of matrices may add up in another order.
    """
    self.corpus = corpus
    self._program, self._weights = jax.jit(program), weights
    self._chunk = chunk

  def stream(self, seed: int = 0, style: Style = PLAIN) -> Iterator[str]:
    """Sentence after sentence, without end.

    Raises:
      UserError: a seed or a setting out of range, or a prefix that the
        generator cannot write.
    """
    if not 0 <= seed < 2**32:
      raise UserError(f'seed={seed} must be from 0 to 4294967295')
    heat = style.temperature
    limits = np.finfo(np.float32)
    if not limits.tiny <= heat <= limits.max:
      raise UserError(
        f'temperature={heat} must be a positive 32-bit number, from '
        f'{limits.tiny:.2g} to {limits.max:.2g}'
      )
    check_truncation(style.top_k, style.top_p)
    prefix = np.tile(self.prefix(style.prefix), (self._chunk, 1))
    # The data of jax.random.key(seed).
    key = np.array([0, seed], np.uint32)
    settings = (
      # Colder still, logits would overflow; this is the likeliest word already.
      np.float32(max(heat, GREEDY)),
      # As many words as there are, or more, are all.
      np.int32(min(style.top_k, self.corpus.vocab_size)),
      np.float32(style.top_p),
    )

    def chunks():
      for first in itertools.count(0, self._chunk):
        tokens = self._program(
          self._weights, key, np.int32(first), prefix, *settings
        )
        yield from self.corpus.text(np.asarray(tokens))

    return chunks()

  def sample(self, n: int, seed: int = 0, style: Style = PLAIN) -> list[str]:
    """The first n sentences of `stream`, whose errors it raises.

    Raises:
      UserError: n is negative.
    """
    if n < 0:
      raise UserError(f'n={n} must not be negative')
    return list(itertools.islice(self.stream(seed, style), n))

  def prefix(self, text: str) -> np.ndarray:
    """The beginning of a sentence as int32 [T], FREE where it ends.

    Raises:
      UserError: it is too long, or has a word that the generator cannot write.
    """
    corpus = self.corpus
    try:
      words = corpus.codec.split(text)
    except UserError as error:
      raise UserError(f'prefix {text!r}: {error}') from error
    tokens = corpus.encode([words])[0]
    if len(words) > corpus.length:
      raise UserError(
        f'prefix {text!r} has {len(words)} tokens; this generator writes '
        f'{corpus.length} at most'
      )
    missing = (w for w, t in zip(words, tokens) if t == corpus.unk)
    unknown = list(dict.fromkeys(missing))
    if unknown:
      raise UserError(
        f'prefix {text!r}: the vocabulary of this generator lacks '
        f'{", ".join(map(repr, unknown))}; use other words'
      )
    tokens[len(words) :] = FREE
    return tokens
