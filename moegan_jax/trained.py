"""A trained run as an object: sample, log-probabilities, judgements."""

import os
from collections.abc import Sequence

import jax
import numpy as np
from ml_collections import ConfigDict

from moegan_jax import systems
from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError
from moegan_jax.train.checkpoint import Store
from moegan_jax.train.evaluation import Evaluator, member
from moegan_jax.train.loop import init_seeds
from moegan_jax.train.workdir import CORPUS_FILE, Workdir


class Trained:
  """A trained system; text in, text out.

  corpus: the vocabulary and the codec of the run, without its sentences
  step: of the checkpoint
  """

  def __init__(self, system, state, corpus: Corpus, chunk: int = 256):
    self.corpus, self.step = corpus, int(state.step)
    self._state = state
    self._evaluator = Evaluator(system, corpus, chunk)
    self._critique = jax.jit(system.critique) if system.critique else None

  def sample(
    self, n: int, seed: int = 0, temperature: float = 1.0
  ) -> list[str]:
    """n sentences; the same for the same seed, whatever n is.

    Raises:
      UserError: n is negative or the temperature is not positive.
    """
    if n < 0 or not temperature > 0:
      raise UserError(
        f'n={n} must not be negative and temperature={temperature} must be '
        'positive'
      )
    if not n:
      return []
    key = jax.random.key(seed)
    tokens = self._evaluator.sample(self._state, key, n, temperature)
    return self.corpus.text(tokens)

  def encode(self, sentences: Sequence[str]) -> np.ndarray:
    """int32 [n, T]; unknown words have an id of their own.

    Raises:
      UserError: a sentence that is too long, or too short where all sequences
        have one length.
    """
    words = [self.corpus.codec.split(line) for line in sentences]
    length, fixed = self.corpus.length, self.corpus.pad is None
    for row, sentence in enumerate(words):
      if len(sentence) > length or (fixed and len(sentence) < length):
        raise UserError(
          f'sentence {row} has {len(sentence)} tokens; this generator writes '
          f'{"exactly" if fixed else "at most"} {length}'
        )
    return self.corpus.encode(words)

  def log_prob(self, sentences: Sequence[str]) -> np.ndarray:
    """Log-probability of each sentence in nats, its end included: [n].

    Unknown words count nothing: the generator cannot write them.
    """
    if not sentences:
      return np.zeros(0, np.float32)
    return -self._evaluator.losses(self._state, self.encode(sentences))

  def judge(self, sentences: Sequence[str]) -> np.ndarray:
    """Mean logit of the discriminator for each sentence, [n].

    Raises:
      UserError: the system has no discriminator, or a word is unknown to it.
    """
    if self._critique is None:
      raise UserError('this system has no discriminator')
    tokens = self.encode(sentences)
    if (tokens >= self.corpus.vocab_size).any():
      row = int(np.argmax((tokens >= self.corpus.vocab_size).any(1)))
      raise UserError(
        f'sentence {row} has a word that the vocabulary lacks; '
        'the discriminator knows no others'
      )
    logits = np.asarray(self._critique(self._state, tokens).logits)
    return logits.reshape(len(tokens), -1).mean(1)


def load(
  workdir: str | os.PathLike, checkpoint: str = 'last', seed_index: int = 0
) -> Trained:
  """The trained system of a run.

  Args:
    workdir: the folder of the run
    checkpoint: 'last' or 'best'
    seed_index: which of the run's seeds

  Raises:
    UserError: no such run, checkpoint or seed.
  """
  folder = Workdir(workdir, create=False)
  config = ConfigDict(folder.read_config())
  known = folder.read_json(CORPUS_FILE)
  if not 0 <= seed_index < config.num_seeds:
    raise UserError(
      f'seed_index={seed_index}: {workdir} has {config.num_seeds} seeds'
    )
  if config.init_from:
    config.mle.epochs = 0
  corpus = Corpus.from_known(known)
  spec = systems.Spec(known['vocab_size'], known['length'], known['train_size'])
  system = systems.build(config, spec)
  shapes = jax.eval_shape(
    lambda: init_seeds(system.init, config.seed, config.num_seeds)
  )
  saved = Store(folder.checkpoints).restore(checkpoint, shapes)
  if saved is None:
    raise UserError(f'{workdir} has no checkpoint of kind {checkpoint!r}')
  return Trained(system, member(saved.tree, seed_index), corpus)
