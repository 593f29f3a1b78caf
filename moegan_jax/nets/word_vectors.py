"""Word vectors from a text file, the frozen part of an embedding."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.errors import UserError
from moegan_jax.ops.precision import LARGEST_FLOAT32
from moegan_jax.types import Array

SETTING = 'generator.embeddings'
SIZE = 'generator.vector_size'


class WordVectors(NamedTuple):
  """Vectors of the words of a vocabulary.

  Attributes:
    size: W, numbers per word
    values: float32 [V, W], zero where the file has no vector
    found: bool [V], whether the file has a vector
  """

  size: int
  values: np.ndarray
  found: np.ndarray

  def init(self, key: Array) -> Array:
    """Returns the initial table, [V + 2, W].

    Args:
      key: key of the vectors of words that the file does not have and of the
        two input symbols. They are normal with the deviation of the others.
    """
    known = self.values[self.found]
    deviation = float(known.std()) if known.size else 1.0
    random = deviation * jax.random.normal(
      key, (len(self.found) + 2, self.size)
    )
    given = jnp.pad(self.values, ((0, 2), (0, 0)))
    return jnp.where(np.pad(self.found, (0, 2))[:, None], given, random)

  def note(self, path: str) -> str:
    """Returns a sentence about the words that the file has."""
    return f'{int(self.found.sum())} of {len(self.found)} words are in {path}'


def word_vectors(
  path: str, size: int, words: tuple[str, ...] | None, vocab_size: int
) -> WordVectors:
  """Reads the vectors of a vocabulary.

  Args:
    path: a text file with a word and its numbers in each line, separated by
      blanks, as GloVe and word2vec write it
    size: W, numbers per word
    words: the V words, '' for the pad; None for a generator whose parameters
      are restored. The file is then not read.
    vocab_size: V

  Raises:
    UserError: the file is missing, a line has another number of numbers, or the
      file has no word of the corpus.
  """
  if size < 1:
    raise UserError(f'{SIZE}={size} must be at least 1')
  if words is None:
    nothing = np.zeros((vocab_size, size), np.float32)
    return WordVectors(size, nothing, np.zeros(vocab_size, bool))
  return _read(path, size, words, vocab_size)


@functools.lru_cache(maxsize=1)  # a run builds its system several times
def _read(
  path: str, size: int, words: tuple[str, ...], vocab_size: int
) -> WordVectors:
  """Implements `word_vectors` for known words."""
  ids = {word: i for i, word in enumerate(words) if word}
  values = np.zeros((vocab_size, size), np.float32)
  found = np.zeros(vocab_size, bool)
  try:
    with open(path, encoding='utf-8', errors='replace', newline='\n') as file:
      for number, line in enumerate(file, 1):
        fields = line.rstrip().split(' ')
        if number == 1 and len(fields) == 2 and size > 1:
          continue  # word2vec begins with the number of words and W
        word = _word(fields, size, path, number)
        if word in ids and not found[ids[word]]:
          values[ids[word]] = _numbers(fields[-size:], path, number)
          found[ids[word]] = True
  except OSError as error:
    raise UserError(
      f'{SETTING}={path} cannot be read: {error.strerror}; name a text file '
      'of word vectors'
    ) from error
  if not found.any():
    raise UserError(
      f'{SETTING}={path} has no word of the corpus; name vectors of words that '
      'are written as in the training text'
    )
  return WordVectors(size, values, found)


def _word(fields: list[str], size: int, path: str, number: int) -> str:
  """Returns the word of a line, which may contain blanks.

  Raises:
    UserError: the line has fewer or more numbers than `size`.
  """
  count = len(fields) - 1
  # Some words of published files contain blanks, such as '. . .'.
  if count > size and not _is_number(fields[-size - 1]):
    return ' '.join(fields[:-size])
  if count == size:
    return fields[0]
  if number == 1:
    raise UserError(
      f'{SETTING}={path} has {count} numbers in line 1 and {SIZE}={size}; '
      f'set --config.{SIZE}={count}'
    )
  raise UserError(
    f'{SETTING}={path} has {count} numbers in line {number} and {size} in the '
    'first one; repair the line'
  )


def _is_number(text: str) -> bool:
  try:
    float(text)
  except ValueError:
    return False
  return True


def _numbers(fields: list[str], path: str, number: int) -> list[float]:
  """Converts the numbers of a line.

  Raises:
    UserError: a field is no finite number.
  """
  try:
    numbers = [float(x) for x in fields]
  except ValueError:
    numbers = [math.nan]
  # A comparison with NaN is false.
  if not all(abs(x) <= LARGEST_FLOAT32 for x in numbers):
    raise UserError(
      f'{SETTING}={path} has a field that is not a finite number in line '
      f'{number}; repair the line'
    )
  return numbers
