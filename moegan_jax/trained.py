"""A trained run as an object: sample, log-probabilities, judgements."""

import os
import sys
from collections.abc import Sequence

import jax
import numpy as np
from ml_collections import ConfigDict

from moegan_jax import systems
from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError, unknown
from moegan_jax.experiment import warm_start
from moegan_jax.sampler import CHUNK, Sampler, Style, corpus_of, program_of
from moegan_jax.scoring.evaluation import Evaluator, select_seed
from moegan_jax.store.checkpoint import Restored, Store
from moegan_jax.store.workdir import CORPUS_FILE, Workdir
from moegan_jax.train.loop import init_seeds
from moegan_jax.types import Spec, System, TrainState

# Kinds of checkpoints in which all seeds are of one step.
STEADY = ('last', 'phase')


class Trained:
  """A trained system; text in, text out.

  corpus: the vocabulary and the codec of the run, without its sentences
  step: of the checkpoint
  state: of one seed
  program: what samples from the state, see `sampler`
  """

  def __init__(
    self, system, state, corpus: Corpus, step: int, chunk: int = CHUNK
  ):
    self.corpus, self.step, self.state = corpus, step, state
    self.program = program_of(system)
    self.sampler = Sampler(self.program, state, corpus, chunk)
    self._evaluator = Evaluator(system, corpus, chunk)
    self._critique = jax.jit(system.critique) if system.critique else None

  def sample(
    self,
    n: int,
    seed: int = 0,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    prefix: str = '',
  ) -> list[str]:
    """n sentences; the same for the same seed, whatever n is.

    Args:
      temperature, top_k, top_p, prefix: see `sampler.Style`

    Raises:
      UserError: n is negative, or see `sampler.Sampler.stream`.
    """
    style = Style(temperature, top_k, top_p, prefix)
    return self.sampler.sample(n, seed, style)

  def encode(self, sentences: Sequence[str]) -> np.ndarray:
    """int32 [n, T]; unknown words have an id of their own.

    Raises:
      TypeError: a string in place of a list of them.
      UserError: a sentence that is too long, or too short where all sequences
        have one length.
    """
    if isinstance(sentences, str):
      raise TypeError('sentences is one string: give a list, [sentence]')
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
    return -self._evaluator.losses(self.state, self.encode(sentences))

  def judge(self, sentences: Sequence[str]) -> np.ndarray:
    """Mean logit of the discriminator for each sentence, [n].

    Raises:
      UserError: the system has no discriminator, or one that does not
        classify, or a word is unknown to it.
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
    logits = self._critique(self.state, tokens).logits
    if logits is None:
      raise UserError("this system's discriminator has features and no logit")
    return np.asarray(logits).reshape(len(tokens), -1).mean(1)


def load(
  workdir: str | os.PathLike,
  checkpoint: str | int = 'last',
  seed_index: int = 0,
  chunk: int = CHUNK,
) -> Trained:
  """The trained system of a run.

  Args:
    workdir: the folder of the run
    checkpoint: 'last', 'best' or a step
    seed_index: which of the run's seeds
    chunk: sentences at a time

  Raises:
    UserError: no such run, checkpoint or seed.
  """
  folder = Workdir(workdir, create=False)
  config, corpus, system = described(folder)
  if not 0 <= seed_index < config.num_seeds:
    raise UserError(
      f'seed_index={seed_index}: {workdir} has {config.num_seeds} seeds; '
      'the first one is 0'
    )
  shapes = jax.eval_shape(
    lambda: init_seeds(system.init, config.seed, config.num_seeds)
  )
  # Standard output may be for text alone.
  store = Store(folder.checkpoints, lambda said: print(said, file=sys.stderr))
  saved = _restore(store, str(checkpoint), shapes)
  # The best of each seed has a step of its own.
  steps = saved.meta.get('steps', [saved.step] * config.num_seeds)
  lost = saved.meta.get('lost', [-1] * config.num_seeds)[seed_index]
  if lost >= 0:
    print(
      f'seed {seed_index} diverged at step {lost}; this is its last good state',
      file=sys.stderr,
    )
    steps[seed_index] = lost
  state = select_seed(saved.tree, seed_index)
  return Trained(system, state, corpus, steps[seed_index], chunk)


def described(folder: Workdir) -> tuple[ConfigDict, Corpus, System]:
  """The settings, the corpus without its sentences, and the system of a run.

  Raises:
    UserError: config.json or corpus.json is missing or damaged.
  """
  config = ConfigDict(folder.read_config())
  known = folder.read_json(CORPUS_FILE)
  corpus = corpus_of(known, folder.path / CORPUS_FILE)
  spec = Spec(corpus.vocab_size, corpus.length, known['train_size'], corpus.pad)
  return config, corpus, systems.build(warm_start.effective(config), spec)


def _restore(store: Store, checkpoint: str, shapes: TrainState) -> Restored:
  """A checkpoint by its kind or its step.

  Raises:
    UserError: there is none, or it is damaged.
  """
  kinds, step = (checkpoint,), None
  if checkpoint.isdecimal():
    kinds, step = STEADY, int(checkpoint)
  elif checkpoint not in ('last', 'best'):
    raise unknown('checkpoint', checkpoint, ('last', 'best', 'a step'))
  for kind in kinds:
    saved = store.restore(kind, shapes, step)
    if saved is not None:
      return saved
  steps = sorted({step for kind in STEADY for step in store.steps(kind)})
  there = f'steps {", ".join(map(str, steps))}' if steps else 'none so far'
  raise UserError(
    f'no checkpoint {checkpoint!r} in {store.directory}; there are: {there}'
  )


def training_text(workdir: str | os.PathLike) -> set[str]:
  """The sentences that a run was trained on, as it would write them.

  Raises:
    UserError: the corpus cannot be read, or is not the one of the run.
  """
  corpus = Workdir(workdir, create=False).corpus()
  return set(corpus.text(corpus.train))
