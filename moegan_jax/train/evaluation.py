"""Samples and measures of a state, chunk by chunk on the device."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.metrics import (
  QUICK,
  Texts,
  divergence,
  likelihood,
  text_measures,
)
from moegan_jax.train.loop import EVALUATE, use_key
from moegan_jax.types import Array, System, TrainState

COLDEST = 0.1  # temperature; below it a generator repeats itself


def member(state: TrainState, seed: int) -> TrainState:
  """The state of one seed, without the axis over seeds."""
  # A clone, as to JAX's check of key reuse a second look is a second use.
  key, players, memory = jax.tree.map(
    lambda x: x[seed],
    (jax.random.clone(state.key), state.players, state.memory),
  )
  return TrainState(state.step, key, players, memory)


def _exact(function: Callable) -> Callable:
  """The function with full precision of products, wherever it runs.

  The density of an oracle is exact, and a divergence is a difference.
  """

  @functools.wraps(function)
  def precise(*args):
    with jax.default_matmul_precision('float32'):
      return function(*args)

  return precise


class Evaluator:
  """Measures of a system on a corpus; its functions compile once each."""

  def __init__(self, system: System, corpus: Corpus, chunk: int):
    """chunk: sequences at a time, which bounds the memory [chunk, T, V]."""
    self.corpus = corpus
    self._chunk = chunk
    self._truth: dict[int, np.ndarray] = {}
    pad, vocab_size = corpus.pad, corpus.vocab_size

    def sample(state, key, temperature, first):
      return system.sample(state, key, chunk, temperature, first)

    def nll_terms(state, tokens, temperature):
      logits = system.logits(state, tokens, temperature)
      log_probs = likelihood.token_log_probs(logits, tokens)
      return likelihood.nll_terms(
        log_probs, tokens, pad=pad, vocab_size=vocab_size
      )

    def divergence_terms(state, tokens, temperature):
      logits = system.logits(state, tokens, temperature)
      return divergence.chunk_terms(
        jax.nn.log_softmax(logits), corpus.oracle.log_probs(tokens), tokens, pad
      )

    def entropy_terms(tokens):
      known = corpus.oracle.log_probs(tokens)
      return divergence.chunk_terms(known, known, tokens, pad)

    self._sample = jax.jit(sample)
    self._nll_terms = jax.jit(_exact(nll_terms))
    self._divergence_terms = jax.jit(_exact(divergence_terms))
    self._entropy_terms = jax.jit(entropy_terms)

  def sample(
    self, state: TrainState, key: Array, n: int, temperature: float = 1.0
  ) -> np.ndarray:
    """int32 [n, T] from the state of one seed; after its end a row is pad."""
    parts = [
      self._sample(state, key, jnp.float32(temperature), jnp.int32(first))
      for first in range(0, n, self._chunk)
    ]
    tokens = np.concatenate([np.asarray(p) for p in parts])[:n]
    if self.corpus.pad is not None:
      ended = np.cumsum(tokens == self.corpus.pad, axis=1) > 0
      tokens = np.where(ended, self.corpus.pad, tokens)
    return tokens

  def _rows(self, function, tokens: np.ndarray) -> dict[str, np.ndarray]:
    """Applies a function of [chunk, T] to all rows; one number a row."""
    parts = []
    for first in range(0, len(tokens), self._chunk):
      rows = tokens[first : first + self._chunk]
      # The last chunk is filled up with copies, which are dropped again.
      full = np.resize(rows, (self._chunk, tokens.shape[1]))
      parts.append({k: np.asarray(v) for k, v in function(full).items()})
    names = parts[0]
    whole = {k: np.concatenate([part[k] for part in parts]) for k in names}
    return {k: v[: len(tokens)] for k, v in whole.items()}

  def nll(
    self, state: TrainState, tokens: np.ndarray, temperature: float = 1.0
  ) -> dict[str, float]:
    """nll (per position), nll_token and skipped, for one seed."""
    heat = jnp.float32(temperature)
    terms = self._rows(lambda t: self._nll_terms(state, t, heat), tokens)
    return {k: float(v) for k, v in likelihood.nll(terms).items()}

  def losses(self, state: TrainState, tokens: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each row up to its end, in nats: [n]."""
    terms = self._rows(
      lambda t: self._nll_terms(state, t, jnp.float32(1)), tokens
    )
    return terms['loss_token']

  def divergences(
    self,
    state: TrainState,
    samples: np.ndarray,
    truth: np.ndarray,
    temperature: float = 1.0,
  ) -> dict[str, float]:
    """All divergences between one seed's generator and the oracle.

    Args:
      samples: of the generator at this temperature, [n, T]
      truth: of the oracle, [m, T]
    """
    heat = jnp.float32(temperature)

    def terms(tokens):
      return self._rows(
        lambda t: self._divergence_terms(state, t, heat), tokens
      )

    values = divergence.divergences(terms(samples), terms(truth))
    return {k: float(v) for k, v in values.items()}

  def measure_one(
    self, state: TrainState, n: int, temperature: float = 1.0
  ) -> tuple[dict[str, float], list[str]]:
    """All measures of one seed from n samples, and the samples as text."""
    corpus = self.corpus
    key = use_key(state.key, state.step, EVALUATE)
    samples = self.sample(state, key, n, temperature)
    measures: dict[str, float] = {}
    for part in ('train', 'valid', 'test'):
      tokens = getattr(corpus, part)[:n]
      if len(tokens):
        values = self.nll(state, tokens, temperature)
        measures[f'nll_{part}'] = values['nll']
        measures[f'nll_{part}_token'] = values['nll_token']
    if corpus.oracle is not None:
      measures |= self.divergences(state, samples, self.truth(n), temperature)
    if corpus.pad is not None:
      words = corpus.words(samples)
      texts = Texts(words, corpus.test_words, self._train_words())
      measures |= text_measures(texts, QUICK)
    measures |= self._grammar(samples)
    return measures, corpus.text(samples)

  def measure(
    self, state: TrainState, n: int
  ) -> tuple[dict[str, np.ndarray], list[list[str]]]:
    """Measures [seeds] by name, and the text of each seed."""
    found = [
      self.measure_one(member(state, i), n) for i in range(len(state.key))
    ]
    names = found[0][0]
    values = {k: np.array([m[k] for m, _ in found]) for k in names}
    return values, [text for _, text in found]

  def real(self, n: int) -> dict[str, float]:
    """The same measures of real text: training text in place of samples."""
    corpus = self.corpus
    measures: dict[str, float] = {}
    if corpus.oracle is not None:
      terms = self._rows(self._entropy_terms, self.truth(n))
      values = divergence.divergences(terms, terms)
      measures |= {k: float(v) for k, v in values.items()}
    if corpus.pad is not None:
      texts = Texts(self._train_words()[:n], corpus.test_words)
      measures |= text_measures(texts, QUICK)
      if len(self._train_words()) < n:
        # Self-BLEU grows with the number of sentences.
        measures = {k: v for k, v in measures.items() if 'self' not in k}
      measures |= self._grammar(self.corpus.train[:n])
    return measures

  def _grammar(self, tokens: np.ndarray) -> dict[str, float]:
    """The share of grammatical rows, where there is a grammar."""
    oracle = self.corpus.oracle
    if oracle is None or oracle.grammatical is None:
      return {}
    return {'grammatical': float(np.mean(oracle.grammatical(tokens)))}

  def truth(self, n: int) -> np.ndarray:
    """n sequences of the oracle itself, apart from all parts of the corpus."""
    if n not in self._truth:
      # Two words of seed: the corpus was drawn with one.
      rng = np.random.RandomState([7, 7])
      self._truth[n] = self.corpus.oracle.sample(rng, n)
    return self._truth[n]

  def _train_words(self) -> Any:
    return [*self.corpus.train_words, *self.corpus.valid_words]

  def matching_temperature(
    self, state: TrainState, nll_oracle: float, n: int = 1000
  ) -> float:
    """The temperature at which one seed's samples reach an NLL_oracle.

    By bisection on n samples; below COLDEST if that is not cold enough, 1.0
    if the generator is there without cooling.
    """
    key = use_key(state.key, state.step, EVALUATE)

    def reached(temperature: float) -> float:
      samples = self.sample(state, key, n, temperature)
      terms = self._rows(self._entropy_terms, samples)
      return float(-terms['log_p'].sum() / terms['length'].sum())

    low, high = COLDEST / 2, 1.0
    if reached(high) <= nll_oracle:
      return high
    for _ in range(8):
      middle = (low + high) / 2
      if reached(middle) > nll_oracle:
        high = middle
      else:
        low = middle
    return (low + high) / 2
