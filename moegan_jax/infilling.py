"""Fills in the blanks of a text with a trained generator.

A template is text with blanks: `___` stands for one or more tokens, `_3_` for
exactly three. A blank at the end is filled until the text ends.

The results are distributed as texts of the generator that match the template.
Candidates are drawn from left to right: each blank has a random length, tokens
of the template are kept, and the generator draws the other ones. A candidate
has the weight

    product of p(kept token | tokens before it) / (q(lengths) a)

where q is the probability of its lengths, and a the number of ways in which its
text matches the template. One candidate is selected with a probability
proportional to its weight (importance resampling). The result is exact as the
number of candidates grows.

A system whose generator reads the whole template (`System.fills`) draws a
single candidate. Its blanks need a number of tokens, except at the end.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError, at_least
from moegan_jax.sampler import CHUNK, FREE
from moegan_jax.types import System

_BLANK = re.compile(r'_{3,}|_([0-9]+)_')
_LONGER = 0.75  # probability that a blank of any length has another token


class Blank(NamedTuple):
  """A blank of a template.

  Attributes:
    count: number of tokens; None for one or more.
  """

  count: int | None


# Token ids, int32 [m], or a blank.
Part = np.ndarray | Blank


class Filled(NamedTuple):
  """A text without blanks.

  Attributes:
    text: the text.
    effective: effective number of candidates, (sum of weights)^2 / sum of
      squared weights. Near 1, the text is the only candidate that matched well,
      and more candidates would give better ones.
  """

  text: str
  effective: float


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
      ids = corpus.encode([words])[0, : len(words)]
      unknown = [w for w, i in zip(words, ids) if i == corpus.unk]
      if unknown:
        raise UserError(
          f'template {template!r}: the vocabulary of this generator lacks '
          f'{", ".join(map(repr, dict.fromkeys(unknown)))}; use other words'
        )
      parts.append(ids)
    tokens += len(words)
    if found is None:
      break
    at = found.end()
    blank = Blank(int(found[1]) if found[1] else None)
    if blank.count == 0:
      raise UserError(
        f'template {template!r}: {found[0]} is a blank without tokens; leave '
        'it out'
      )
    if parts and blank == parts[-1] == Blank(None):
      raise UserError(
        f'template {template!r}: two blanks of any length are neighbours; '
        'write one'
      )
    tokens += 1 if blank.count is None else blank.count
    parts.append(blank)
  if not any(isinstance(part, Blank) for part in parts):
    raise UserError(
      f'template {template!r} has no blank; write ___ for one or more tokens, '
      'or _3_ for three'
    )
  free = any(part == Blank(None) for part in parts)
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
  open_end = pad is not None and parts[-1] == Blank(None)
  sizes = [
    len(part) if isinstance(part, np.ndarray) else part.count for part in parts
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
    if isinstance(part, Blank) and part.count is None:
      ways = np.pad(np.cumsum(ways, axis=1)[:, :-1], ((0, 0), (1, 0)))
      continue
    size = len(part) if isinstance(part, np.ndarray) else part.count
    moved = np.zeros_like(ways)
    moved[:, size:] = ways[:, : length + 1 - size]
    if isinstance(part, np.ndarray):
      for j, token in enumerate(part):
        same = tokens[:, j : length + 1 - size + j] == token
        moved[:, size:] *= same[:, : length + 1 - size]
    ways = moved
  return np.take_along_axis(ways, ends[:, None], axis=1)[:, 0]


class Infiller:
  """Fills in templates. Text i depends on the seed and on i only."""

  def __init__(
    self, system: System, state: Any, corpus: Corpus, chunk: int = CHUNK
  ):
    """Prepares the programs, which compile at their first call.

    Args:
      system: the System.
      state: training state of one seed.
      corpus: the vocabulary and the codec.
      chunk: candidates that are drawn at once, which bounds the memory
        [chunk, T, V].

    Raises:
      UserError: the generator has latent noise.
    """
    self._reads_all = system.fills
    if system.draws:
      raise UserError(
        'this generator has latent noise, so it has no exact probability of a '
        'kept token; fill in blanks with a run without generator.latent'
      )
    self._corpus, self._chunk, self._state = corpus, chunk, state

    @jax.jit
    def draw(state, key, first, tokens, temperature):
      """Returns candidates and the log-probability of each token, [n, T]."""
      drawn = system.sample(
        state,
        key,
        tokens.shape[0],
        temperature,
        first,
        prefix=tokens,
        given=tokens != FREE,
      )
      logits = system.logits(state, drawn, temperature)
      each = jnp.take_along_axis(
        jax.nn.log_softmax(logits), drawn[..., None], axis=-1
      )
      return drawn, each[..., 0]

    self._draw = draw

  def fill(
    self,
    template: str,
    n: int = 1,
    seed: int = 0,
    temperature: float = 1.0,
    candidates: int = 1000,
  ) -> Iterator[Filled]:
    """Yields n texts that match a template.

    Args:
      template: text with blanks, see the docstring of the module.
      n: number of texts.
      seed: 0 to 2**32 - 1.
      temperature: divides the logits.
      candidates: number of candidates for each text.

    Raises:
      UserError: the template is invalid, an option is out of range, or no
        candidate matches.
    """
    at_least('candidates', candidates, 1)
    if not 0 <= seed < 2**32:
      raise UserError(f'seed={seed} must be from 0 to 4294967295')
    if not temperature > 0:
      raise UserError(f'temperature={temperature} must be positive')
    parts = parse(template, self._corpus)
    if self._reads_all:
      if Blank(None) in [x for x in parts[:-1] if isinstance(x, Blank)]:
        raise UserError(
          f'template {template!r}: this generator fills in fixed numbers of '
          'tokens; write _3_ for three in place of ___, except at the end'
        )
      candidates = 1
    for i in range(n):
      rng = np.random.default_rng([seed, i])
      key = jax.random.fold_in(jax.random.key(seed), i)
      tokens, weights = self.weighted(parts, candidates, temperature, key, rng)
      if not weights.any():
        raise UserError(
          f'template {template!r}: none of {candidates:,} candidates matches; '
          'raise --candidates, or use other words'
        )
      chosen = rng.choice(candidates, p=weights)
      text = self._corpus.text(tokens[chosen : chosen + 1])[0]
      yield Filled(text, float(1 / np.square(weights).sum()))

  def weighted(
    self,
    parts: Sequence[Part],
    n: int,
    temperature: float,
    key: jax.Array,
    rng: np.random.Generator,
  ) -> tuple[np.ndarray, np.ndarray]:
    """Draws candidates and computes their weights.

    Args:
      parts: the template.
      n: number of candidates.
      temperature: divides the logits.
      key: key of the tokens.
      rng: source of the lengths of blanks.

    Returns:
      The candidates, int32 [n, T], and their weights, [n]. They sum to 1, or
      are all 0 if no candidate matches.
    """
    corpus, chunk = self._corpus, min(self._chunk, n)
    whole = -(-n // chunk) * chunk  # full chunks compile once
    tokens, inside, log_q = arrange(
      parts, corpus.length, corpus.pad, whole, rng
    )
    if self._reads_all:
      ended = np.cumsum(tokens == corpus.pad, axis=1) > 0
      tokens = np.where(ended, corpus.pad or 0, tokens)
    found = [
      self._draw(
        self._state,
        key,
        np.int32(first),
        tokens[first : first + chunk],
        np.float32(temperature),
      )
      for first in range(0, whole, chunk)
    ]
    drawn, each = (np.concatenate(x) for x in zip(*found))
    kept = np.where(tokens != FREE, each.astype(np.float64), 0).sum(1)
    ways = alignments(drawn, parts, corpus.pad)
    if self._reads_all:
      return drawn[:n], np.full(n, 1 / n)
    valid = ways > 0
    if corpus.pad is not None:
      valid &= ~(inside & (drawn == corpus.pad)).any(1)
    log_weights = kept - log_q - np.log(np.maximum(ways, 1))
    log_weights = np.where(valid, log_weights, -np.inf)[:n]
    if not valid[:n].any():
      return drawn[:n], np.zeros(n)
    weights = np.exp(log_weights - log_weights.max())
    return drawn[:n], weights / weights.sum()
