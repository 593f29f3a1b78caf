"""Templates: text with blanks, and how texts match them.

`___` stands for one or more tokens, `_3_` for exactly three. A blank at the end
is filled until the text ends.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError
from moegan_jax.sampler import FREE, check_known

_BLANK = re.compile(r'_{3,}|_([0-9]+)_')
_LONGER = 0.75  # probability that a blank of any length has another token


class Blank(NamedTuple):
  """A blank of a template.

  Attributes:
    size: number of tokens; None for one or more.
  """

  size: int | None


# Token ids, int32 [m], or a blank.
Part = np.ndarray | Blank


def is_open(part: Part) -> bool:
  """Returns whether a part is a blank of any length."""
  return isinstance(part, Blank) and part.size is None


def parse(template: str, corpus: Corpus) -> list[Part]:
  """Splits a template at its blanks and encodes the text between them.

  Args:
    template: text with blanks
    corpus: the vocabulary and the codec

  Returns:
    The parts in order, without empty ones.

  Raises:
    UserError: there is no blank, two blanks of any length are neighbours, a
      word is outside of the vocabulary, or the text is longer than T tokens.
  """
  parts: list[Part] = []
  tokens, at = 0, 0
  for found in [*_BLANK.finditer(template), None]:
    piece = template[at : found.start() if found else None]
    words = corpus.split(piece) if piece.strip() else []
    if words:
      check_known(corpus, words, f'template {template!r}')
      parts.append(corpus.encode([words])[0, : len(words)])
    tokens += len(words)
    if found is None:
      break
    at = found.end()
    blank = Blank(int(found[1]) if found[1] else None)
    if blank.size == 0:
      raise UserError(
        f'template {template!r}: {found[0]} is a blank without tokens; leave '
        'it out'
      )
    if parts and is_open(blank) and is_open(parts[-1]):
      raise UserError(
        f'template {template!r}: two blanks of any length are neighbours; '
        'write one'
      )
    tokens += 1 if blank.size is None else blank.size
    parts.append(blank)
  if not any(isinstance(part, Blank) for part in parts):
    raise UserError(
      f'template {template!r} has no blank; write ___ for one or more tokens, '
      'or _3_ for three'
    )
  free = any(map(is_open, parts))
  if tokens > corpus.length:
    raise UserError(
      f'template {template!r} has at least {tokens} tokens, and this generator '
      f'writes at most {corpus.length}; shorten it'
    )
  if corpus.pad is None and not free and tokens < corpus.length:
    raise UserError(
      f'template {template!r} has {tokens} tokens, and all texts of this '
      f'generator have {corpus.length}; use ___ for a blank of any length'
    )
  return parts


def arrange(
  parts: Sequence[Part],
  length: int,
  pad: int | None,
  n: int,
  rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Draws the lengths of the blanks and places the tokens of a template.

  Args:
    parts: the template
    length: T
    pad: id that ends a text; None if all texts have T tokens
    n: number of candidates
    rng: source of the lengths

  Returns:
    The tokens, int32 [n, T], FREE where the generator draws one; bool [n, T],
    True where it must not draw `pad`; and log q, [n], up to a constant.
  """
  tokens = np.full((n, length), FREE, np.int32)
  inside = np.zeros((n, length), bool)
  open_end = pad is not None and is_open(parts[-1])
  sizes = [
    len(part) if isinstance(part, np.ndarray) else part.size for part in parts
  ]
  free = [i for i, size in enumerate(sizes) if size is None]
  if open_end:
    free.pop()
  room = length - sum(size or 0 for size in sizes) - open_end
  drawn, log_q = (_exact if pad is None else _short)(len(free), room, n, rng)
  for row in range(n):
    counts = dict(zip(free, drawn[row]))
    at = 0
    for i, part in enumerate(parts):
      if isinstance(part, np.ndarray):
        tokens[row, at : at + len(part)] = part
        at += len(part)
        continue
      # A blank at the end has at least one token.
      count = sizes[i] or counts.get(i, 1)
      inside[row, at : at + count] = True
      at += count
    if pad is not None and not open_end and at < length:
      tokens[row, at] = pad
  return tokens, inside, log_q


def _exact(
  blanks: int, room: int, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
  """Draws positive lengths [n, blanks] of the sum `room`, all equally likely.

  Returns:
    The lengths, and log q up to a constant.
  """
  if not blanks:
    return np.zeros((n, 0), int), np.zeros(n)
  cuts = np.stack(
    [
      np.sort(rng.choice(room - 1, blanks - 1, replace=False)) + 1
      for _ in range(n)
    ]
  )
  ends = np.pad(cuts, ((0, 0), (1, 1)), constant_values=((0, 0), (0, room)))
  return np.diff(ends, axis=1), np.zeros(n)


def _short(
  blanks: int, room: int, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
  """Draws positive lengths [n, blanks] with a sum of at most `room`.

  Returns:
    The lengths, geometric given that they fit, and log q up to a constant.
  """
  lengths = np.ones((n, blanks), int)
  pending = np.arange(n)
  while blanks and len(pending):
    new = rng.geometric(1 - _LONGER, (len(pending), blanks))
    lengths[pending] = new
    pending = pending[new.sum(1) > room]
  return lengths, lengths.sum(1) * np.log(_LONGER)


def alignments(
  tokens: np.ndarray, parts: Sequence[Part], pad: int | None
) -> np.ndarray:
  """Counts the ways in which texts match a template.

  Args:
    tokens: int32 [n, T]
    parts: the template
    pad: id that ends a text; None if all texts have T tokens

  Returns:
    [n], numbers of choices of the lengths of the blanks.
  """
  n, length = tokens.shape
  is_end = np.zeros((n, length), bool) if pad is None else tokens == pad
  ends = np.where(is_end.any(1), is_end.argmax(1), length)
  # ways[:, i]: ways in which the parts so far match the first i tokens
  ways = np.zeros((n, length + 1))
  ways[:, 0] = 1
  for part in parts:
    if is_open(part):
      ways = np.pad(np.cumsum(ways, axis=1)[:, :-1], ((0, 0), (1, 0)))
      continue
    size = len(part) if isinstance(part, np.ndarray) else part.size
    moved = np.zeros_like(ways)
    moved[:, size:] = ways[:, : length + 1 - size]
    if isinstance(part, np.ndarray):
      for j, token in enumerate(part):
        same = tokens[:, j : length + 1 - size + j] == token
        moved[:, size:] *= same[:, : length + 1 - size]
    ways = moved
  return np.take_along_axis(ways, ends[:, None], axis=1)[:, 0]
