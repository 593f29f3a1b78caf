"""Samples text from a trained or an exported generator."""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError, unknown
from moegan_jax.ops.relaxation import check_truncation, truncate
from moegan_jax.types import Array, System

FREE = -1  # marks a position of a prefix that the generator fills in
IN_TURN = -1  # label of a row whose class follows from its index
CHUNK = 256  # default batch size
GREEDY = 1e-6  # temperature at which sampling is greedy in float32

# (weights, key uint32 [2], first int32 [], prefix int32 [n, T], temperature
# float32 [], top_k int32 [], top_p float32 []) -> tokens int32 [n, T]. They are
# the rows first .. first + n - 1 of the sample of this key. The program of a
# conditional generator has one more argument, labels int32 [n].
Program = Callable[..., Array]


class Style(NamedTuple):
  """Options for sampling.

  Attributes:
    temperature: divides the logits
    top_k: see `ops.relaxation.truncate`; 0 keeps all words
    top_p: see `ops.relaxation.truncate`; 1 keeps all words
    prefix: text at the beginning of every sentence
    label: class of every sentence of a conditional generator; '': all classes
      in turn
  """

  temperature: float = 1.0
  top_k: int = 0
  top_p: float = 1.0
  prefix: str = ''
  label: str = ''


PLAIN = Style()


def program_of(system: System) -> Program:
  """Returns the sampling program of a system.

  Args:
    system: the System. The weights of the program are the training state of
      one seed.

  Returns:
    A Program. With classes, a row that has the label IN_TURN has the class
    i mod K, where i is its index in the sample.
  """

  def program(state, key, first, prefix, temperature, top_k, top_p, **given):
    return system.sample(
      state,
      jax.random.wrap_key_data(key, impl='threefry2x32'),
      prefix.shape[0],
      temperature,
      first,
      truncate=partial(truncate, top_k=top_k, top_p=top_p),
      prefix=prefix,
      given=prefix != FREE,
      **given,
    )

  def conditional(state, key, first, prefix, *settings_and_labels):
    *settings, labels = settings_and_labels
    turns = (
      first + jnp.arange(labels.shape[0], dtype=jnp.int32)
    ) % system.classes
    labels = jnp.where(labels == IN_TURN, turns, labels)
    return program(state, key, first, prefix, *settings, labels=labels)

  return conditional if system.classes else program


def corpus_of(known: Mapping[str, Any], path: str | os.PathLike) -> Corpus:
  """Builds the corpus of a run without its sentences.

  Args:
    known: contents of corpus.json
    path: path of that file, for messages

  Raises:
    UserError: a key is missing, or the codec is unknown.
  """
  try:
    return Corpus.from_known(known)
  except KeyError as error:
    raise UserError(
      f'{path} is damaged: it lacks {error}; restore it, or repeat the run '
      'or the export'
    ) from error


def check_draw(seed: int, temperature: float) -> None:
  """Checks the options of any draw.

  Raises:
    UserError: the seed or the temperature is out of range.
  """
  if not 0 <= seed < 2**32:
    raise UserError(f'seed={seed} must be from 0 to 4294967295')
  limits = np.finfo(np.float32)
  if not float(limits.tiny) <= temperature <= float(limits.max):
    raise UserError(
      f'temperature={temperature} must be a positive 32-bit number, from '
      f'{limits.tiny:.2g} to {limits.max:.2g}'
    )


def check_known(corpus: Corpus, words: Sequence[str], name: str) -> None:
  """Checks that a generator can write words.

  Args:
    corpus: its vocabulary
    words: of a text
    name: the text, for the message

  Raises:
    UserError: words are outside of the vocabulary.
  """
  ids = corpus.encode([words])[0]
  missing = (w for w, i in zip(words, ids) if i == corpus.unk)
  lacking = list(dict.fromkeys(missing))
  if lacking:
    raise UserError(
      f'{name}: the vocabulary of this generator lacks '
      f'{", ".join(map(repr, lacking))}; use other words'
    )


class Sampler:
  """Draws sentences. Sentence i depends on the seed and on i only.

  Attributes:
    corpus: the vocabulary and the codec, without sentences
    classes: the classes of a conditional generator; () for others
  """

  def __init__(
    self,
    program: Program,
    weights: Any,
    corpus: Corpus,
    chunk: int = CHUNK,
    classes: Sequence[str] = (),
  ):
    """Prepares the program, which compiles at the first draw.

    Args:
      program: sampling program.
      weights: pytree of arrays, the first argument of the program.
      corpus: the vocabulary and the codec.
      chunk: batch size. It changes sentences only through rounding, because
        matrix products may sum in another order.
      classes: the classes of a conditional generator, whose program takes
        labels.
    """
    self.corpus, self.classes = corpus, tuple(classes)
    self._program, self._weights = jax.jit(program), weights
    self._chunk = chunk

  def stream(self, seed: int = 0, style: Style = PLAIN) -> Iterator[str]:
    """Yields sentences without end.

    Args:
      seed: 0 to 2**32 - 1.
      style: options for sampling.

    Raises:
      UserError: the seed or an option is out of range, or the generator
        cannot write the prefix.
    """
    check_draw(seed, style.temperature)
    check_truncation(style.top_k, style.top_p)
    prefix = np.tile(self.prefix(style.prefix), (self._chunk, 1))
    label = self.label(style.label)
    # Equals jax.random.key_data(jax.random.key(seed)).
    key = np.array([0, seed], np.uint32)
    settings: tuple[Any, ...] = (
      # Logits divided by a lower temperature overflow.
      np.float32(max(style.temperature, GREEDY)),
      # A larger value also keeps all words, but may exceed int32.
      np.int32(min(style.top_k, self.corpus.vocab_size)),
      np.float32(style.top_p),
    )
    if self.classes:
      settings += (np.full(self._chunk, label, np.int32),)

    def chunks():
      for first in itertools.count(0, self._chunk):
        tokens = self._program(
          self._weights, key, np.int32(first), prefix, *settings
        )
        yield from self.corpus.text(np.asarray(tokens))

    return chunks()

  def sample(self, n: int, seed: int = 0, style: Style = PLAIN) -> list[str]:
    """Returns the first n sentences of `stream`.

    Raises:
      UserError: n is negative; see also `stream`.
    """
    if n < 0:
      raise UserError(f'n={n} must not be negative')
    return list(itertools.islice(self.stream(seed, style), n))

  def label(self, name: str) -> int:
    """Returns the index of a class; IN_TURN for ''.

    Raises:
      UserError: there is no such class, or the generator is not conditional.
    """
    if not name:
      return IN_TURN
    if not self.classes:
      raise UserError(
        f'label={name!r}: this generator is not conditional; leave the label '
        'out, or train one with generator.conditional=True'
      )
    if name not in self.classes:
      raise unknown('label', name, self.classes)
    return self.classes.index(name)

  def prefix(self, text: str) -> np.ndarray:
    """Converts a prefix to ids.

    Returns:
      int32 [T], FREE at the positions after the prefix.

    Raises:
      UserError: the prefix has more than T tokens, or a word outside of the
        vocabulary.
    """
    corpus = self.corpus
    try:
      words = corpus.split(text)
    except UserError as error:
      raise UserError(f'prefix {text!r}: {error}') from error
    tokens = corpus.encode([words])[0]
    if len(words) > corpus.length:
      raise UserError(
        f'prefix {text!r} has {len(words)} tokens, and this generator writes '
        f'at most {corpus.length}; shorten it'
      )
    check_known(corpus, words, f'prefix {text!r}')
    tokens[len(words) :] = FREE
    return tokens
