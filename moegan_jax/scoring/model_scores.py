"""Samples, likelihoods and divergences of a system, chunk by chunk."""

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.metrics import divergence, likelihood
from moegan_jax.ops.ends import end_mask
from moegan_jax.ops.precision import full_precision
from moegan_jax.train.keys import EVALUATE, use_key
from moegan_jax.types import Array, System, TrainState


class ModelScores:
  """Computes on the device what depends on the parameters of a system.

  All states are those of one seed; see `evaluation.select_seed`. Each function
  compiles once.

  Attributes:
    corpus: the corpus.
    draws: fixed draws of latent noise per likelihood; see `System.draws`.
    classes: the classes of a conditional generator; () for others.
  """

  def __init__(self, system: System, corpus: Corpus, chunk: int):
    """Prepares the functions without compiling them.

    Args:
      system: the system to score.
      corpus: the corpus.
      chunk: sequences per call, which bounds the memory [chunk, T, V].
    """
    self.corpus, self.draws = corpus, system.draws
    self.classes = corpus.label_names if system.classes else ()
    self._chunk = chunk
    self._truth: dict[int, np.ndarray] = {}
    pad, vocab_size = corpus.pad, corpus.vocab_size

    def sample(state, key, temperature, first, labels=None):
      given = {} if labels is None else {'labels': labels}
      return system.sample(state, key, chunk, temperature, first, **given)

    def nll_terms(state, tokens, temperature, labels=None):
      given = {} if labels is None else {'labels': labels}
      logits = system.logits(state, tokens, temperature, **given)
      log_probs = likelihood.token_log_probs(logits, tokens)
      return likelihood.nll_terms(
        log_probs, tokens, pad=pad, vocab_size=vocab_size
      )

    def divergence_terms(
      state, tokens, temperature, key=None, first=0, labels=None
    ):
      oracle = corpus.oracle
      if labels is None:
        logits = system.logits(state, tokens, temperature, key, first)
        truth = oracle.log_probs(tokens)
      else:
        logits = system.logits(state, tokens, temperature, labels=labels)
        truth = oracle.classes.log_probs(tokens, labels)
      return divergence.chunk_terms(
        jax.nn.log_softmax(logits), truth, tokens, pad
      )

    def oracle_terms(tokens, first):
      del first
      log_probs = corpus.oracle.log_probs(tokens)
      return divergence.chunk_terms(log_probs, log_probs, tokens, pad)

    def features(state, tokens):
      if system.critique is None:
        raise ValueError('features require a system with a discriminator')
      found = system.critique(state, tokens).features
      return {'features': found.mean(1)}

    self._sample = jax.jit(sample)
    # A divergence is a small difference of large numbers.
    self._nll_terms = jax.jit(full_precision(nll_terms))
    self._divergence_terms = jax.jit(full_precision(divergence_terms))
    self._oracle_terms = jax.jit(oracle_terms)
    self._features = jax.jit(features)

  def sample(
    self, state: TrainState, key: Array, n: int, temperature: float = 1.0
  ) -> np.ndarray:
    """Draws n samples.

    Row i depends on the key and i only, whatever n and the chunk size.

    Args:
      state: of one seed.
      key: typed PRNG key.
      n: number of samples.
      temperature: divides the logits.

    Returns:
      int32 [n, T] with pads after the first pad.
    """
    return self._pad_after_end(self._raw_samples(state, key, n, temperature))

  def sample_at(
    self, state: TrainState, n: int, temperature: float = 1.0
  ) -> np.ndarray:
    """Draws n samples with the evaluation key of the step of a state.

    See `sample` for the arguments and the result.
    """
    key = use_key(state.key, state.step, EVALUATE)
    return self.sample(state, key, n, temperature)

  def class_samples(
    self, state: TrainState, n: int, temperature: float = 1.0
  ) -> list[np.ndarray]:
    """Draws n samples of a conditional generator, of all classes in turn.

    Args:
      state: of one seed.
      n: number of samples of all K classes together.
      temperature: divides the logits.

    Returns:
      For each class int32 [n / K, T], rounded up for the first classes.
    """
    key = use_key(state.key, state.step, EVALUATE)
    labels = np.arange(n, dtype=np.int32) % len(self.classes)
    raw = self._raw_samples(state, key, n, temperature, labels)
    rows = self._pad_after_end(raw)
    return [rows[labels == k] for k in range(len(self.classes))]

  def truth(self, n: int) -> np.ndarray:
    """Draws n sequences of the oracle that are in no part of the corpus.

    Returns:
      int32 [n, T], the same for every call with this n.
    """
    if n not in self._truth:
      # A seed of two words: the corpus was drawn with a seed of one word.
      rng = np.random.RandomState([7, 7])
      self._truth[n] = self.corpus.oracle.sample(rng, n)
    return self._truth[n]

  def nll(
    self,
    state: TrainState,
    tokens: np.ndarray,
    temperature: float = 1.0,
    labels: np.ndarray | None = None,
  ) -> dict[str, float]:
    """Computes the negative log-likelihood of sequences.

    Args:
      state: of one seed.
      tokens: int32 [n, T].
      temperature: divides the logits.
      labels: int32 [n], the classes given which it is computed; None for no
        conditions.

    Returns:
      'nll' in nats per position, 'nll_token' in nats per token, and 'skipped',
      the share of out-of-vocabulary tokens.
    """
    terms = self._losses(state, tokens, temperature, labels)
    return {k: float(v) for k, v in likelihood.nll(terms).items()}

  def losses(
    self,
    state: TrainState,
    tokens: np.ndarray,
    labels: np.ndarray | None = None,
  ) -> np.ndarray:
    """Computes the negative log-likelihood of each sequence up to its end.

    Args:
      state: of one seed.
      tokens: int32 [n, T].
      labels: int32 [n], the classes given which it is computed; None for no
        conditions.

    Returns:
      [n], in nats.
    """
    return self._losses(state, tokens, 1.0, labels)['loss_token']

  def _losses(
    self,
    state: TrainState,
    tokens: np.ndarray,
    temperature: float,
    labels: np.ndarray | None,
  ) -> dict[str, np.ndarray]:
    """Computes `likelihood.nll_terms` of all rows; see `nll`."""

    def terms(chunk, first):
      own = None if labels is None else self._chunk_of(labels, first)
      return self._nll_terms(state, chunk, jnp.float32(temperature), own)

    return self._rows(terms, tokens)

  def divergences(
    self,
    state: TrainState,
    samples: np.ndarray,
    truth: np.ndarray,
    temperature: float = 1.0,
    k: int | None = None,
  ) -> dict[str, float]:
    """Estimates all divergences between a generator and the oracle.

    Args:
      state: of one seed.
      samples: int32 [n, T] from `sample_at` at this temperature.
      truth: int32 [m, T] from the oracle.
      temperature: divides the logits.
      k: index of a class, given which both have exact densities; samples and
        truth are then of this class. None for no condition.

    Returns:
      The values of `metrics.divergence.divergences`.
    """
    temperature = jnp.float32(temperature)
    key = use_key(state.key, state.step, EVALUATE)
    labels = None if k is None else np.full(self._chunk, k, np.int32)

    def of_samples(tokens, first):
      first = jnp.int32(first)
      return self._divergence_terms(
        state, tokens, temperature, key, first, labels
      )

    def of_truth(tokens, _):
      own = None, jnp.int32(0)  # not draws of the generator
      return self._divergence_terms(state, tokens, temperature, *own, labels)

    values = divergence.divergences(
      self._rows(of_samples, samples), self._rows(of_truth, truth)
    )
    return {k: float(v) for k, v in values.items()}

  def oracle_divergences(self, n: int) -> dict[str, float]:
    """Estimates the divergences of the oracle from itself.

    Args:
      n: number of sequences.

    Returns:
      The values of `metrics.divergence.divergences`.
    """
    terms = self._rows(self._oracle_terms, self.truth(n))
    values = divergence.divergences(terms, terms)
    return {k: float(v) for k, v in values.items()}

  def nll_oracle(self, tokens: np.ndarray) -> float:
    """Computes the negative log-likelihood of samples under the oracle.

    Args:
      tokens: int32 [n, T].

    Returns:
      Nats per token, the end symbol included.
    """
    terms = self._rows(self._oracle_terms, tokens)
    return float(-terms['log_p'].sum() / terms['length'].sum())

  def features(self, state: TrainState, tokens: np.ndarray) -> np.ndarray:
    """Computes the discriminator's features, averaged over representations.

    Args:
      state: of one seed of a system with a discriminator.
      tokens: int32 [n, T] without out-of-vocabulary words.

    Returns:
      [n, F].
    """
    rows = self._rows(lambda t, _: self._features(state, t), tokens)
    return rows['features']

  def _raw_samples(
    self,
    state: TrainState,
    key: Array,
    n: int,
    temperature: float,
    labels: np.ndarray | None = None,
  ) -> np.ndarray:
    """Returns int32 [n, T] with the tokens generated after the first pad."""
    parts = [
      self._sample(
        state,
        key,
        jnp.float32(temperature),
        jnp.int32(first),
        None if labels is None else self._chunk_of(labels, first),
      )
      for first in range(0, n, self._chunk)
    ]
    return np.concatenate([np.asarray(p) for p in parts])[:n]

  def _pad_after_end(self, tokens: np.ndarray) -> np.ndarray:
    """Replaces all tokens after the first pad of a row by pads."""
    if self.corpus.pad is None:
      return tokens
    before_end = np.asarray(end_mask(tokens, self.corpus.pad))
    return np.where(before_end, tokens, self.corpus.pad)

  def _rows(self, function, tokens: np.ndarray) -> dict[str, np.ndarray]:
    """Applies a function to all rows, one chunk at a time.

    Args:
      function: (tokens [chunk, T], index of the first row) -> name -> [chunk,
        ...].
      tokens: int32 [n, T].

    Returns:
      Name -> [n, ...].
    """
    parts = []
    for first in range(0, len(tokens), self._chunk):
      full = self._chunk_of(tokens, first)
      parts.append({k: np.asarray(v) for k, v in function(full, first).items()})
    whole = {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}
    return {k: v[: len(tokens)] for k, v in whole.items()}

  def _chunk_of(self, rows: np.ndarray, first: int) -> np.ndarray:
    """Returns the chunk of rows that begins at `first`.

    Copies fill the last chunk, since all chunks need one shape.
    """
    part = rows[first : first + self._chunk]
    return np.resize(part, (self._chunk, *rows.shape[1:]))
