"""Language models that are fitted to text in order to judge other text.

They are the project's own baseline, an LSTM generator trained by maximum
likelihood (`systems/mle.py`), stopped early on real text as in Falling Short
(Caccia et al. 2020). What is fixed here is the vocabulary: a model of samples
and a model of real text must have the same one, or their likelihoods could not
be compared.
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

LONGEST = 128  # words of a sentence that a model sees at most
WORDS = 10_000  # the vocabulary at most
CHUNK = 128  # sentences scored at a time, which bounds [chunk, T, V]
_FEW_WORDS = 20  # a vocabulary as small as that keeps its rare words
_TRAINED = 0.99  # training sees the words up to this quantile of the lengths
_ROUND = 50  # iterations between two looks at the validation text, at least


class LanguageModels:
  """Fits a language model to any text, always over the same vocabulary.

  A word outside of the vocabulary is the class `<unk>`, which a model predicts
  and pays for like any word. So no token is skipped: were the words that a
  collapsed generator never says left out, collapse would look like a gain.
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
    """Fixes the vocabulary and the settings; nothing is trained yet.

    Args:
      vocabulary_text: real text. Its words that occur at least twice make the
        vocabulary (the 10,000 commonest of them), or all its words if fewer
        than 20 do.
      valid: real text apart from what is fitted and scored, for early stopping.
      length: longest sentence in words, longer ones are cut; 0 is the longest
        of vocabulary_text, at most 128.
      limit: a model is fitted to the first so many sentences of a text, so
        that samples and real text teach about as much.
      hidden: H of the LSTM.
      embed: E.
      epochs: passes over the text, at most; of a short text, stretches of 50
        iterations.
      batch: sentences; fewer where the text has fewer.
      lr: of Adam.
      patience: validations in a row without a better value that end a fit.
      seed: of the parameters and the order of sentences.
      log: told of each fit when it begins and when it ends.

    Raises:
      UserError: a text without words, or no validation sentences.
    """
    self._ids = _vocabulary(vocabulary_text)
    if not self._ids:
      raise UserError('language model: the text for its vocabulary is empty')
    if not valid:
      raise UserError(
        'language model: no validation sentences to stop its training on; '
        'hold some real sentences out'
      )
    longest = length or min(LONGEST, max(map(len, vocabulary_text)))
    # With one more position, the longest sentence has its end symbol, too.
    self._length = longest + 1
    # Few sentences are that long, and padding costs as much as words: what
    # lies beyond this length is scored, but nothing is learnt from it.
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
    """The protocol in one line."""
    return (
      f'LSTM language model, embedding {self._embed}, hidden {self._hidden}, '
      f'{self._vocab_size - 2:,} words and {UNKNOWN}, sentences of at most '
      f'{self._length - 1} words ({self._train_length - 1} in training); '
      f'maximum likelihood on the first {self._limit:,} sentences, Adam '
      f'{self._lr:g}, batch {self._batch}, at most {self._epochs} epochs, the '
      f'best on {len(self._valid):,} validation sentences; seed {self._seed}'
    )

  def encode(self, sentences: Sentences) -> np.ndarray:
    """int32 [n, T] with T one more than the longest sentence in words."""
    return encode(
      sentences, self._ids, length=self._length, unk=self._ids[UNKNOWN]
    )

  def fit(self, sentences: Sentences) -> LanguageModel:
    """The model of these sentences; trained once, then remembered.

    Its `nll` gives nats and tokens [n], a token being a word or the end of a
    sentence that was not cut. Its `features` are [n, H]: the LSTM's output,
    averaged over the positions of these tokens.

    Raises:
      UserError: no sentences.
    """
    if not sentences:
      raise UserError('language model: there are no sentences to fit it to')
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
    """The baseline for a text of so many sentences."""
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
    """The parameters that were best on the validation text."""
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
      f'  {done} epochs, {best:.3f} nats a token of the validation text, '
      f'{time.monotonic() - begin:.0f} s'
    )
    return params

  def _valid_nll(self, params: Params) -> float:
    nats, count = self._nll(params, self._valid)
    return nats.sum() / count.sum()

  # --- scores --------------------------------------------------------------

  def _score(self, params: Params, tokens: Array) -> Array:
    """[n, 2]: nats and tokens of sentences [n, T]."""
    logits = decode.teacher_force(self._generator, params, tokens)
    log_probs = likelihood.token_log_probs(logits, tokens)
    terms = likelihood.nll_terms(
      log_probs, tokens, pad=PAD, vocab_size=self._vocab_size
    )
    return jnp.stack([terms['loss_token'], terms['count_token']], axis=1)

  def _mean_hidden(self, params: Params, tokens: Array) -> Array:
    """[n, H]: the mean output over the real positions of [n, T]."""
    hidden = decode.replay(self._generator, params, tokens)
    real = likelihood.end_mask(tokens, PAD)[..., None]
    return jnp.where(real, hidden, 0.0).sum(1) / real.sum(1)

  def _nll(self, params: Params, tokens: np.ndarray):
    """Nats [n] and tokens [n]."""
    table = self._rows(self._nll_terms, params, tokens).astype(np.float64)
    return table[:, 0], table[:, 1]

  def _rows(
    self, function: Callable, params: Params, tokens: np.ndarray
  ) -> np.ndarray:
    """A function of [chunk, T] on all rows; the last chunk is filled up."""
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
  """What fits models to any sentences, and its protocol in a line.

  The end of the real text decides when to stop, and no model learns from it:
  asked for the whole text, a model is fitted to the rest of it.

  Args:
    text: real text; it makes the vocabulary.
    held_out: sentences at its end; 0 is the last twentieth.
    log: see `LanguageModels`.
  """
  held_out = held_out or max(1, len(text) // 20)
  models = LanguageModels(text, text[-held_out:], log=log)

  def fit(sentences: Sentences) -> LanguageModel:
    whole = sentences is text or sentences == text
    return models.fit(text[:-held_out] if whole else sentences)

  return fit, models.describe()


def _parameters(state) -> Params:
  """The generator's, apart from the state, whose memory is used again."""
  return jax.tree.map(lambda x: x[0], state.players['generator'].params)


def _vocabulary(sentences: Sentences) -> dict[str, int]:
  """Word -> id from 1, with `<unk>` among them; {} if there are no words."""
  counts = collections.Counter(word for s in sentences for word in s)
  del counts[UNKNOWN]
  common = [w for w, times in counts.most_common(WORDS) if times > 1]
  words = common if len(common) >= _FEW_WORDS else counts
  known = [*sorted(words), UNKNOWN] if words else []
  return {word: i for i, word in enumerate(known, 1)}


def _parts(count: int) -> list[int]:
  """Iterations in the chunks of a round: none is longer than a chunk can be."""
  whole, rest = divmod(count, loop.LONGEST)
  return [loop.LONGEST] * whole + [rest] * (rest > 0)
