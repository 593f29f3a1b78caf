"""Fills in the blanks of a text with a trained generator.

The results are distributed as texts of the generator that match the template.
Candidates are drawn from left to right: each blank has a random length, tokens
of the template are kept, and the generator draws the other ones. A candidate
has the weight

    product of p(kept token | tokens before it) / (q(lengths) a)

where q is the probability of its lengths, and a the number of ways in which its
text matches the template. One candidate is selected with a probability
proportional to its weight (importance resampling). The result is exact as the
number of candidates grows.

The generator of some systems reads the whole template (`System.fills`). Its
candidates that match have equal weights. Their blanks need a number of tokens,
except at the end.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError, at_least
from moegan_jax.sampler import CHUNK, FREE, check_draw
from moegan_jax.templates import Part, alignments, arrange, is_open, parse
from moegan_jax.types import System

MOST = 20  # candidates of a generator that reads the whole template


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
      UserError: the generator has latent noise or classes.
    """
    self._reads_all = system.fills
    if system.draws:
      raise UserError(
        'this generator has latent noise, so it has no exact probability of a '
        'kept token; fill in blanks with a run without generator.latent'
      )
    if system.classes:
      # Candidates have classes, and the logits are those of the mixture.
      raise UserError(
        'this generator is conditional, and filling in blanks does not support '
        'classes; use a run without generator.conditional'
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
    check_draw(seed, temperature)
    parts = parse(template, self._corpus)
    if self._reads_all:
      if any(map(is_open, parts[:-1])):
        raise UserError(
          f'template {template!r}: this generator fills in fixed numbers of '
          'tokens; write _3_ for three in place of ___, except at the end'
        )
      candidates = min(candidates, MOST)
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
    valid = ways > 0
    if corpus.pad is not None:
      valid &= ~(inside & (drawn == corpus.pad)).any(1)
    log_weights = kept - log_q - np.log(np.maximum(ways, 1))
    if self._reads_all:
      log_weights = np.zeros(whole)
    log_weights = np.where(valid, log_weights, -np.inf)[:n]
    if not valid[:n].any():
      return drawn[:n], np.zeros(n)
    weights = np.exp(log_weights - log_weights.max())
    return drawn[:n], weights / weights.sum()
