"""Language models that are fitted to one text and score another.

The model is the LSTM generator of the MLE baseline, trained by maximum
likelihood with early stopping on real text, as in Language GANs Falling Short
(Caccia et al., 2020). All models share one vocabulary, since likelihoods over
different vocabularies are not comparable.
"""

import collections
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax import decode
from moegan_jax.data.corpus import PAD, UNKNOWN, array_sha256, encode
from moegan_jax.errors import UserError
from moegan_jax.metrics import likelihood
from moegan_jax.metrics.measure import LanguageModel, Sentences
from moegan_jax.ops.precision import full_precision
from moegan_jax.systems import assembly, networks
from moegan_jax.systems.likelihood import PRETRAIN, likelihood_phase
from moegan_jax.train import batches, loop
from moegan_jax.types import Array, Params, Spec, System

LONGEST = 128  # words per sentence; longer sentences are cut
WORDS = 10_000  # largest vocabulary
CHUNK = 128  # sentences scored per call, which bounds the memory [chunk, T, V]
_FEW_WORDS = 20  # a smaller vocabulary of repeated words keeps rare words too
_TRAINED = 0.99  # quantile of the sentence lengths at which training cuts
_ROUND = 50  # least number of iterations between validations


class LanguageModels:
  """Fits language models to texts over one vocabulary.

  Out-of-vocabulary words belong to the class `<unk>`, which counts in the
  likelihood like any word. Skipping them would reward a collapsed generator,
  since words that it never generates would not count.
  """

  def __init__(
    self,
    vocabulary_text: Sentences,
    valid: Sentences,
    *,
    length: int = 0,
    limit: int = 10_000,
    hidden: int = 128,
    embed: int = 64,
    epochs: int = 20,
    batch: int = 64,
    lr: float = 5e-3,
    patience: int = 1,
    seed: int = 0,
    log: Callable[[str], None] | None = None,
  ):
    """Builds the vocabulary. Training starts with the first `fit`.

    Args:
      vocabulary_text: real text. The vocabulary has its 10,000 most frequent
        words that occur at least twice, or all its words if fewer than 20
        words occur twice.
      valid: real text for early stopping, apart from what is fitted or scored.
      length: longest sentence in words; longer sentences are cut. 0 selects the
        longest sentence of vocabulary_text, at most 128.
      limit: number of sentences at the start of a text that a model is fitted
        to, so that samples and real text give equal amounts of data.
      hidden: H, the size of the LSTM.
      embed: E, the size of the embedding.
      epochs: maximum number of rounds. A round is a pass over the text, or 50
        iterations if that is more.
      batch: sentences per batch, at most those of the text.
      lr: learning rate of Adam.
      patience: number of validations without improvement that end a fit.
      seed: of the parameters and of the order of sentences.
      log: prints one line at the start and one at the end of each fit.

    Raises:
      UserError: the text has no words, or there are no validation sentences.
    """
    self._ids = _vocabulary(vocabulary_text)
    if not self._ids:
      raise UserError(
        'language model: the text for its vocabulary is empty; give it '
        'training text'
      )
    if not valid:
      raise UserError(
        'language model: no validation sentences for early stopping; hold out '
        'some real sentences'
      )
    longest = length or min(LONGEST, max(map(len, vocabulary_text)))
    # One more position, for the end symbol of the longest sentence.
    self._length = longest + 1
    # Padding costs as much time as words, and few sentences are that long, so
    # training cuts at a quantile. Scoring does not.
    usual = np.quantile([len(s) for s in vocabulary_text], _TRAINED)
    self._train_length = min(longest, int(usual)) + 1
    self._vocab_size = len(self._ids) + 1
    self._limit, self._epochs, self._batch = limit, epochs, batch
    self._lr, self._patience, self._seed = lr, patience, seed
    self._embed, self._hidden = embed, hidden
    self._log = log or (lambda text: None)
    self._generator = networks.generator(
      Spec(self._vocab_size, self._length, limit),
      cell='lstm',
      embed=embed,
      hidden=hidden,
      init='seqgan',
      experts=1,
      sharing='embed_out',
      aggregation='repr_mean',
    )
    self._nll_terms = jax.jit(full_precision(self._score))
    self._features = jax.jit(full_precision(self._mean_hidden))
    self._compiled: dict[int, Callable] = {}
    self._models: dict[str, LanguageModel] = {}
    self._valid = self.encode(valid)

  def describe(self) -> str:
    """Returns the protocol as one line."""
    return (
      f'LSTM language model, embedding {self._embed}, hidden {self._hidden}, '
      f'{self._vocab_size - 2:,} words and {UNKNOWN}, sentences of at most '
      f'{self._length - 1} words ({self._train_length - 1} in training); '
      f'maximum likelihood on the first {self._limit:,} sentences, Adam '
      f'{self._lr:g}, batch {self._batch}, at most {self._epochs} epochs, '
      f'early stopping on {len(self._valid):,} validation sentences; seed '
      f'{self._seed}'
    )

  def encode(self, sentences: Sentences) -> np.ndarray:
    """Converts sentences to ids.

    Returns:
      int32 [n, T], where T is the longest sentence in words plus one.
    """
    return encode(
      sentences, self._ids, length=self._length, unk=self._ids[UNKNOWN]
    )

  def fit(self, sentences: Sentences) -> LanguageModel:
    """Fits a model to sentences. Equal sentences return the same model.

    Returns:
      A LanguageModel. Its `nll` gives nats [n] and tokens [n]; a token is a
      word, or the end of a sentence that was not cut. Its `features` are
      [n, H], the LSTM output averaged over these tokens.

    Raises:
      UserError: there are no sentences.
    """
    if not sentences:
      raise UserError(
        'language model: there are no sentences to fit it to; give it some'
      )
    tokens = self.encode(sentences[: self._limit])[:, : self._train_length]
    content = array_sha256(tokens)
    if content not in self._models:
      params = self._train(tokens)
      self._models[content] = LanguageModel(
        lambda text: self._nll(params, self.encode(text)),
        lambda text: self._rows(self._features, params, self.encode(text)),
      )
    return self._models[content]

  # --- training ------------------------------------------------------------

  def _system(self, train_size: int) -> System:
    """Builds the MLE baseline for a text of `train_size` sentences."""
    spec = Spec(self._vocab_size, self._length, train_size)
    pretrain, optimizer = likelihood_phase(
      spec,
      self._generator,
      epochs=self._epochs,
      batch=min(self._batch, train_size),
      lr=self._lr,
      clip=5.0,
    )
    return assembly.system(
      spec,
      self._generator,
      players={'generator': (self._generator.init, optimizer)},
      phases={PRETRAIN: pretrain},
    )

  def _train(self, tokens: np.ndarray) -> Params:
    """Trains a model and returns its best parameters on the validation text.

    Args:
      tokens: int32 [n, T].
    """
    begin, n = time.monotonic(), len(tokens)
    self._log(f'fitting a language model to {n:,} sentences')
    system, corpus = self._system(n), jnp.asarray(tokens)
    phase = system.phases[PRETRAIN]
    state = loop.init_seeds(system.init, self._seed, 1)
    if n not in self._compiled:
      compiled = loop.compile_chunk(phase, 0, state, corpus)
      self._compiled[n] = compiled.call
    count = max(batches.steps_per_epoch(phase, n), _ROUND)

    best = self._valid_nll(params := _parameters(state))
    done, waited = 0, 0
    while done < self._epochs and waited < self._patience:
      for part in _parts(count):
        state, _ = self._compiled[n](state, jnp.int32(part), corpus)
      done += 1
      value = self._valid_nll(now := _parameters(state))
      if value < best:
        best, params, waited = value, now, 0
      else:
        waited += 1
    self._log(
      f'  {done} epochs, {best:.3f} nats per token of the validation text, '
      f'{time.monotonic() - begin:.0f} s'
    )
    return params

  def _valid_nll(self, params: Params) -> float:
    """Returns the loss on the validation text, in nats per token."""
    nats, count = self._nll(params, self._valid)
    return nats.sum() / count.sum()

  # --- scores --------------------------------------------------------------

  def _score(self, params: Params, tokens: Array) -> Array:
    """Returns the nats and the tokens of sentences [n, T] as [n, 2]."""
    logits = decode.teacher_force(self._generator, params, tokens)
    log_probs = likelihood.token_log_probs(logits, tokens)
    terms = likelihood.nll_terms(
      log_probs, tokens, pad=PAD, vocab_size=self._vocab_size
    )
    return jnp.stack([terms['loss_token'], terms['count_token']], axis=1)

  def _mean_hidden(self, params: Params, tokens: Array) -> Array:
    """Returns the mean LSTM output [n, H] over the tokens of [n, T]."""
    hidden = decode.replay(self._generator, params, tokens)
    real = likelihood.end_mask(tokens, PAD)[..., None]
    return jnp.where(real, hidden, 0.0).sum(1) / real.sum(1)

  def _nll(self, params: Params, tokens: np.ndarray):
    """Returns the nats [n] and the tokens [n] of sentences [n, T]."""
    table = self._rows(self._nll_terms, params, tokens).astype(np.float64)
    return table[:, 0], table[:, 1]

  def _rows(
    self, function: Callable, params: Params, tokens: np.ndarray
  ) -> np.ndarray:
    """Applies a function of [chunk, T] to all rows.

    Copies fill the last chunk, since all chunks need one shape.
    """
    whole = -(-len(tokens) // CHUNK) * CHUNK
    full = np.resize(tokens, (whole, self._length))
    found = [
      np.asarray(function(params, full[first : first + CHUNK]))
      for first in range(0, whole, CHUNK)
    ]
    return np.concatenate(found)[: len(tokens)]


def fitter(
  text: Sentences,
  held_out: int = 0,
  log: Callable[[str], None] | None = None,
) -> tuple[Callable[[Sentences], LanguageModel], str]:
  """Creates a function that fits language models, for `metrics.Texts.fit_lm`.

  The end of the real text is held out for early stopping. If a model of the
  whole text is requested, it is fitted to the text without this end.

  Args:
    text: real text, which also gives the vocabulary.
    held_out: number of sentences at its end to hold out; 0 for a twentieth.
    log: see `LanguageModels`.

  Returns:
    The function sentences -> LanguageModel, and its protocol as one line.

  Raises:
    UserError: see `LanguageModels`.
  """
  held_out = held_out or max(1, len(text) // 20)
  models = LanguageModels(text, text[-held_out:], log=log)

  def fit(sentences: Sentences) -> LanguageModel:
    whole = sentences is text or sentences == text
    return models.fit(text[:-held_out] if whole else sentences)

  return fit, models.describe()


def _parameters(state) -> Params:
  """Copies the generator's parameters, since the loop donates its state."""
  return jax.tree.map(lambda x: x[0], state.players['generator'].params)


def _vocabulary(sentences: Sentences) -> dict[str, int]:
  """Returns word -> id, from 1 and with `<unk>`; {} without any words."""
  counts = collections.Counter(word for s in sentences for word in s)
  del counts[UNKNOWN]
  common = [w for w, times in counts.most_common(WORDS) if times > 1]
  words = common if len(common) >= _FEW_WORDS else counts
  known = [*sorted(words), UNKNOWN] if words else []
  return {word: i for i, word in enumerate(known, 1)}


def _parts(count: int) -> list[int]:
  """Splits a number of iterations into chunks of at most `loop.LONGEST`."""
  whole, rest = divmod(count, loop.LONGEST)
  return [loop.LONGEST] * whole + [rest] * (rest > 0)
