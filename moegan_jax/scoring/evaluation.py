"""Samples and measures of a state, chunk by chunk on the device."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.metrics import (
  MEASURES,
  QUICK,
  LanguageModel,
  Sentences,
  Texts,
  divergence,
  guards,
  likelihood,
  lm_score,
  text_measures,
)
from moegan_jax.metrics.measure import AT_TEST, AT_TRAIN
from moegan_jax.ops.ends import end_mask
from moegan_jax.ops.precision import full_precision
from moegan_jax.train.keys import EVALUATE, use_key
from moegan_jax.types import Array, System, TrainState

COLDEST = 0.1  # temperature; below it a generator repeats itself
# Of no use to the training text.
_AGAINST_TRAIN = ('novelty', 'novel_molecules', 'auc_train')
ON_CURVES = ('bleu', 'self_bleu', 'ngram_js', 'auc_train', 'lm_score')


def select_seed(state: TrainState, seed: int) -> TrainState:
  """The state of one seed, without the axis over seeds."""
  # A clone, as to JAX's check of key reuse a second look is a second use.
  key, players, memory = jax.tree.map(
    lambda x: x[seed],
    (jax.random.clone(state.key), state.players, state.memory),
  )
  return TrainState(state.step, key, players, memory)


def shared(found: Sequence[Mapping[str, float]]) -> list[str]:
  """The measures that all have: some need a few different samples, or one.

  Args:
    found: measures of several seeds, or at several temperatures.
  """
  return [k for k in found[0] if all(k in measures for measures in found)]


class Evaluator:
  """Measures of a system on a corpus; its functions compile once each."""

  def __init__(
    self,
    system: System,
    corpus: Corpus,
    chunk: int,
    fit_lm: Callable[[Sentences], LanguageModel] | None = None,
  ):
    """Prepares the measures; nothing is compiled yet.

    Args:
      chunk: sequences at a time, which bounds the memory [chunk, T, V].
      fit_lm: see `metrics.Texts`; None leaves out what needs a model.
    """
    self.corpus, self.fit_lm, self.draws = corpus, fit_lm, system.draws
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

    def divergence_terms(state, tokens, temperature, key=None, first=0):
      logits = system.logits(state, tokens, temperature, key, first)
      return divergence.chunk_terms(
        jax.nn.log_softmax(logits), corpus.oracle.log_probs(tokens), tokens, pad
      )

    def known_terms(tokens, first):
      del first
      known = corpus.oracle.log_probs(tokens)
      return divergence.chunk_terms(known, known, tokens, pad)

    def features(state, tokens):
      found = system.critique(state, tokens).features
      return {'features': found.mean(1)}

    self._sample = jax.jit(sample)
    # The density of an oracle is exact, and a divergence is a difference.
    self._nll_terms = jax.jit(full_precision(nll_terms))
    self._divergence_terms = jax.jit(full_precision(divergence_terms))
    self._known_terms = jax.jit(known_terms)
    self._features = jax.jit(features)

  def sample(
    self, state: TrainState, key: Array, n: int, temperature: float = 1.0
  ) -> np.ndarray:
    """int32 [n, T] from the state of one seed; after its end a row is pad."""
    return self._cut(self._whole(state, key, n, temperature))

  def _whole(
    self, state: TrainState, key: Array, n: int, temperature: float
  ) -> np.ndarray:
    """int32 [n, T] with whatever the generator writes after the end."""
    parts = [
      self._sample(state, key, jnp.float32(temperature), jnp.int32(first))
      for first in range(0, n, self._chunk)
    ]
    return np.concatenate([np.asarray(p) for p in parts])[:n]

  def _cut(self, tokens: np.ndarray) -> np.ndarray:
    """The same rows with pads after the first pad."""
    if self.corpus.pad is None:
      return tokens
    written = np.asarray(end_mask(tokens, self.corpus.pad))
    return np.where(written, tokens, self.corpus.pad)

  def sample_at(
    self, state: TrainState, n: int, temperature: float = 1.0
  ) -> np.ndarray:
    """int32 [n, T] of one seed with the noise that belongs to its step."""
    key = use_key(state.key, state.step, EVALUATE)
    return self.sample(state, key, n, temperature)

  def features(self, state: TrainState, tokens: np.ndarray) -> np.ndarray:
    """The discriminator's features of one seed, [n, F]; mean over S.

    Only where there is a discriminator, and for tokens that it knows.
    """
    rows = self._rows(lambda t, _: self._features(state, t), tokens)
    return rows['features']

  def _rows(self, function, tokens: np.ndarray) -> dict[str, np.ndarray]:
    """Applies a function of ([chunk, T], first) to all; one number a row."""
    parts = []
    for first in range(0, len(tokens), self._chunk):
      rows = tokens[first : first + self._chunk]
      # The last chunk is filled up with copies, which are dropped again.
      full = np.resize(rows, (self._chunk, tokens.shape[1]))
      parts.append({k: np.asarray(v) for k, v in function(full, first).items()})
    names = parts[0]
    whole = {k: np.concatenate([part[k] for part in parts]) for k in names}
    return {k: v[: len(tokens)] for k, v in whole.items()}

  def nll(
    self, state: TrainState, tokens: np.ndarray, temperature: float = 1.0
  ) -> dict[str, float]:
    """nll (per position), nll_token and skipped, for one seed."""
    heat = jnp.float32(temperature)
    terms = self._rows(lambda t, _: self._nll_terms(state, t, heat), tokens)
    return {k: float(v) for k, v in likelihood.nll(terms).items()}

  def losses(self, state: TrainState, tokens: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each row up to its end, in nats: [n]."""
    terms = self._rows(
      lambda t, _: self._nll_terms(state, t, jnp.float32(1)), tokens
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
      samples: of `sample_at` at this temperature, [n, T]
      truth: of the oracle, [m, T]
    """
    heat = jnp.float32(temperature)
    key = use_key(state.key, state.step, EVALUATE)

    def of_samples(tokens, first):
      return self._divergence_terms(state, tokens, heat, key, jnp.int32(first))

    def of_truth(tokens, _):
      return self._divergence_terms(state, tokens, heat)

    values = divergence.divergences(
      self._rows(of_samples, samples), self._rows(of_truth, truth)
    )
    return {k: float(v) for k, v in values.items()}

  def measure_one(
    self,
    state: TrainState,
    n: int,
    temperature: float = 1.0,
    full: bool = False,
  ) -> tuple[dict[str, float], Sentences]:
    """Measures of one seed from n samples, and the samples in words.

    Args:
      full: everything that the text allows; else what is quick, and what may
        choose the best checkpoint.
    """
    corpus = self.corpus
    key = use_key(state.key, state.step, EVALUATE)
    whole = self._whole(state, key, n, temperature)
    samples = self._cut(whole)
    words = corpus.words(samples)
    measures: dict[str, float] = {}
    if corpus.pad is not None:
      share = likelihood.pads_after_end(whole, corpus.pad)
      if not np.isnan(share):
        measures['pads_after_end'] = share
    for part in ('train', 'valid', 'test'):
      tokens = getattr(corpus, part)[:n]
      if len(tokens):
        values = self.nll(state, tokens, temperature)
        measures[f'nll_{part}'] = values['nll']
        measures[f'nll_{part}_token'] = values['nll_token']
    if corpus.oracle is not None:
      measures |= self.divergences(state, samples, self.truth(n), temperature)
      for part, name in (('test', 'nll_sum'), ('train', 'nll_sum_train')):
        if f'nll_{part}' in measures:
          total = measures['nll_oracle'] + measures[f'nll_{part}']
          measures[name] = total
    if corpus.pad is None:
      measures |= self._of_ids(words)
    else:
      names = tuple(MEASURES) if full else QUICK
      measures |= self._of_text(words, corpus.test_words, names)
      if full:
        measures |= self._at_real_sizes(words)
      if corpus.valid_words and not full:
        against = Texts(words, corpus.valid_words)
        found = text_measures(against, ('bleu',))
        measures |= {f'{k}_valid': v for k, v in found.items()}
    measures |= self._grammar(samples)
    return measures, words

  def measure(
    self, state: TrainState, n: int, full: bool = False
  ) -> tuple[dict[str, np.ndarray], list[Sentences]]:
    """Measures [seeds] by name, and the samples of each seed in words."""
    found = [
      self.measure_one(select_seed(state, i), n, full=full)
      for i in range(len(state.key))
    ]
    names = shared([measures for measures, _ in found])
    values = {k: np.array([m[k] for m, _ in found]) for k in names}
    return values, [words for _, words in found]

  def point(
    self, state: TrainState, n: int, temperature: float
  ) -> dict[str, float]:
    """One seed at one temperature: what a curve over temperatures shows."""
    corpus = self.corpus
    samples = self.sample_at(state, n, temperature)
    measures: dict[str, float] = {}
    if corpus.oracle is not None:
      measures |= self.divergences(state, samples, self.truth(n), temperature)
    if corpus.pad is not None:
      words = corpus.words(samples)
      measures |= self._of_text(words, corpus.test_words, ON_CURVES)
    return {k: v for k, v in measures.items() if not k.endswith('_se')}

  def real(self, n: int) -> dict[str, float]:
    """The same measures of real text: training text in place of samples."""
    corpus = self.corpus
    measures: dict[str, float] = {}
    if corpus.oracle is not None:
      terms = self._rows(self._known_terms, self.truth(n))
      values = divergence.divergences(terms, terms)
      measures |= {k: float(v) for k, v in values.items()}
    if corpus.pad is None:
      measures |= self._of_ids(corpus.words(self.truth(n)))
    else:
      words = self._train_words()[:n]
      names = [name for name in MEASURES if name not in _AGAINST_TRAIN]
      found = self._of_text(words, corpus.test_words, names)
      for key in ('copied', 'lm_score', 'lm_score_se'):
        found.pop(key, None)  # it is that text, and its model has learnt it
      measures |= self._comparable(found, words, n, AT_TRAIN)
      measures |= self._grammar(corpus.train[:n])
    return measures

  def real_test(self, n: int) -> dict[str, float]:
    """What held-out text has, where it is not held against itself."""
    corpus = self.corpus
    if corpus.pad is None:
      return {}
    words = corpus.test_words[:n]
    measures = self._comparable(self._of_text(words, []), words, n, AT_TEST)
    if self.fit_lm is not None:  # what the score of samples is held against
      model = self.fit_lm(self._train_words())
      value, error = lm_score.ratio(*model.nll(words))
      measures |= {'lm_score': value, 'lm_score_se': error}
    return measures | self._grammar(corpus.test[:n])

  def _of_text(
    self,
    words: Sentences,
    references: Sentences,
    names: Iterable[str] = tuple(MEASURES),
  ) -> dict[str, float]:
    """Measures of text, with the training text and the language model."""
    texts = Texts(
      words,
      references,
      self._train_words(),
      self.fit_lm,
      self.corpus.codec.name,
    )
    return text_measures(texts, names)

  def _of_ids(self, words: Sentences) -> dict[str, float]:
    """Collapse and copying of sequences that all have one length."""
    found = self._of_text(words, [], ('diversity',))
    found.pop('mean_length')
    return found

  def _comparable(
    self, measures: dict, words: Sentences, n: int, suffix: str
  ) -> dict:
    """Removes Self-BLEU from real text of fewer than n sentences.

    Self-BLEU rises with the number of sentences. For the guards, measures of
    equal numbers of sentences are added; see `guards.of_size`.
    """
    if len(words) >= n:
      return measures
    kept = {k: v for k, v in measures.items() if 'self_bleu' not in k}
    return kept | guards.of_size(words, len(words), suffix)

  def _at_real_sizes(self, words: Sentences) -> dict[str, float]:
    """Measures the diversity of as many samples as there is real text."""
    sizes = {
      AT_TRAIN: len(self._train_words()),
      AT_TEST: len(self.corpus.test_words),
    }
    found: dict[str, float] = {}
    for suffix, size in sizes.items():
      if size < len(words):
        found |= guards.of_size(words, size, suffix)
    return found

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

  def _train_words(self) -> Sentences:
    return [*self.corpus.train_words, *self.corpus.valid_words]

  def matching_temperature(
    self, state: TrainState, nll_oracle: float, n: int = 1000
  ) -> float:
    """The temperature at which one seed's samples reach an NLL_oracle.

    By bisection on n samples; below COLDEST if that is not cold enough, 1.0
    if the generator is there without cooling.
    """

    def reached(temperature: float) -> float:
      samples = self.sample_at(state, n, temperature)
      terms = self._rows(self._known_terms, samples)
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
