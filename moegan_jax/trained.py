"""Loads a trained run for sampling, log-probabilities and critiques."""

import functools
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
from moegan_jax.infilling import Infiller
from moegan_jax.sampler import CHUNK, Sampler, Style, corpus_of, program_of
from moegan_jax.scoring.evaluation import Evaluator, select_seed
from moegan_jax.store import schema
from moegan_jax.store.checkpoint import Restored, Store
from moegan_jax.store.workdir import Workdir
from moegan_jax.train.loop import init_seeds
from moegan_jax.types import Spec, System, TrainState

# Kinds of checkpoints that hold all seeds at the same step.
STEADY = ('last', 'phase')


class Trained:
  """A trained system with a text interface.

  Attributes:
    corpus: the vocabulary and the codec of the run, without its sentences
    step: step of the checkpoint
    state: training state of one seed
    program: sampling program of the state, see `sampler.Program`
    classes: the classes of a conditional generator; () for others
  """

  def __init__(
    self, system, state, corpus: Corpus, step: int, chunk: int = CHUNK
  ):
    """Prepares the functions, which compile at their first call.

    Args:
      system: the System.
      state: training state of one seed.
      corpus: the vocabulary and the codec.
      step: step of the checkpoint.
      chunk: batch size.
    """
    self.corpus, self.step, self.state = corpus, step, state
    self.program = program_of(system)
    self.classes = corpus.label_names if system.classes else ()
    self.sampler = Sampler(self.program, state, corpus, chunk, self.classes)
    self._system, self._chunk = system, chunk
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
    label: str = '',
  ) -> list[str]:
    """Draws sentences; sentence i depends on the seed and on i, not on n.

    Args:
      n: number of sentences.
      seed: 0 to 2**32 - 1.
      temperature, top_k, top_p, prefix, label: see `sampler.Style`.

    Raises:
      UserError: n is negative; see also `sampler.Sampler.stream`.
    """
    style = Style(temperature, top_k, top_p, prefix, label)
    return self.sampler.sample(n, seed, style)

  @functools.cached_property
  def infiller(self) -> Infiller:
    """Fills in templates, see `infilling`."""
    return Infiller(self._system, self.state, self.corpus, self._chunk)

  def infill(self, template: str, n: int = 1, **options) -> list[str]:
    """Fills in the blanks of a text, see `infilling`.

    Args:
      template: text with blanks, `___` for one or more tokens and `_3_` for
        exactly three.
      n: number of texts; text i depends on the seed and on i, not on n.
      **options: `seed`, `temperature` and `candidates` of `Infiller.fill`.

    Raises:
      UserError: see `Infiller.fill`.
    """
    return [x.text for x in self.infiller.fill(template, n, **options)]

  def encode(self, sentences: Sequence[str]) -> np.ndarray:
    """Converts sentences to ids.

    Args:
      sentences: n lines of text. Lines that this generator wrote are read as
        the generated tokens, see `Corpus.split`.

    Returns:
      int32 [n, T]; words outside of the vocabulary are `corpus.unk`.

    Raises:
      TypeError: `sentences` is a single string.
      UserError: a sentence has more than T tokens, or other than T tokens if
        all sequences have the same length.
    """
    if isinstance(sentences, str):
      raise TypeError('sentences is a string; pass a list, [sentence]')
    words = [self.corpus.split(line) for line in sentences]
    length, fixed = self.corpus.length, self.corpus.pad is None
    for row, sentence in enumerate(words):
      if len(sentence) > length or (fixed and len(sentence) < length):
        raise UserError(
          f'sentence {row} has {len(sentence)} tokens; give '
          f'{"exactly" if fixed else "at most"} {length}'
        )
    return self.corpus.encode(words)

  def log_prob(self, sentences: Sequence[str], label: str = '') -> np.ndarray:
    """Returns the log-probability of each sentence.

    Args:
      sentences: n lines of text; see `encode`, also for errors.
      label: the class of all sentences, given which a conditional generator
        has the probability; '': that of the mixture of the classes.

    Returns:
      float32 [n] in nats, the end symbol included. Words outside of the
      vocabulary contribute 0, because the generator cannot write them.
    """
    index = self.sampler.label(label) if label else None
    if not sentences:
      return np.zeros(0, np.float32)
    tokens = self.encode(sentences)
    labels = None if index is None else np.full(len(tokens), index, np.int32)
    return -self._evaluator.losses(self.state, tokens, labels)

  def judge(self, sentences: Sequence[str]) -> np.ndarray:
    """Returns the mean logit of the discriminator for each sentence.

    Args:
      sentences: n lines of text; see `encode`, also for errors.

    Returns:
      float32 [n]; larger is more real.

    Raises:
      UserError: the system has no discriminator, the discriminator has no
        logits, or a word is outside of the vocabulary.
    """
    if self._critique is None:
      raise UserError(
        'judge: this system has no discriminator; use log_prob instead'
      )
    tokens = self.encode(sentences)
    if (tokens >= self.corpus.vocab_size).any():
      row = int(np.argmax((tokens >= self.corpus.vocab_size).any(1)))
      raise UserError(
        f'sentence {row} has a word outside of the vocabulary, which the '
        'discriminator cannot read; use other words'
      )
    logits = self._critique(self.state, tokens).logits
    if logits is None:
      raise UserError(
        'judge: the discriminator of this system has no logits; use log_prob '
        'instead'
      )
    return np.asarray(logits).reshape(len(tokens), -1).mean(1)


def load(
  workdir: str | os.PathLike,
  checkpoint: str | int = 'last',
  seed_index: int = 0,
  chunk: int = CHUNK,
) -> Trained:
  """Loads the trained system of a run.

  Args:
    workdir: folder of the run
    checkpoint: 'last', 'best' or a step
    seed_index: index of the seed, from 0
    chunk: batch size

  Raises:
    UserError: the run, the checkpoint or the seed does not exist.
  """
  folder = Workdir(workdir, create=False)
  config, corpus, system = described(folder)
  seeds = config.num_seeds
  if not 0 <= seed_index < seeds:
    raise UserError(
      f'seed_index={seed_index} (--member) is out of range: {workdir} has '
      f'{seeds} seed{"s" if seeds > 1 else ""}; give 0 to {seeds - 1}'
    )
  shapes = jax.eval_shape(lambda: init_seeds(system.init, config.seed, seeds))
  # `sample` writes sentences to standard output, so notes go to stderr.
  store = Store(folder.checkpoints, lambda note: print(note, file=sys.stderr))
  saved = _restore(store, str(checkpoint), shapes)
  # The best checkpoint of each seed has its own step.
  steps = saved.meta.get('steps', [saved.step] * config.num_seeds)
  lost = saved.meta.get('lost', [-1] * config.num_seeds)[seed_index]
  if lost >= 0:
    print(
      f'seed {seed_index} diverged at step {lost}; using its last good state',
      file=sys.stderr,
    )
    steps[seed_index] = lost
  state = select_seed(saved.tree, seed_index)
  return Trained(system, state, corpus, steps[seed_index], chunk)


def described(folder: Workdir) -> tuple[ConfigDict, Corpus, System]:
  """Reads the description of a run.

  Returns:
    The settings, the corpus without its sentences, and the system.

  Raises:
    UserError: config.json or corpus.json is missing, damaged, or of another
      version.
  """
  config = ConfigDict(folder.read_config())
  saved = folder.read_json(schema.CORPUS)
  corpus = corpus_of(saved, folder.path / schema.CORPUS)
  spec = Spec(
    corpus.vocab_size,
    corpus.length,
    saved['train_size'],
    corpus.pad,
    classes=corpus.class_shares,
  )
  effective = warm_start.effective(config, spec.train_size)
  return config, corpus, systems.build(effective, spec)


def _restore(store: Store, checkpoint: str, shapes: TrainState) -> Restored:
  """Restores a checkpoint by its kind or its step.

  Args:
    store: the checkpoints of the run
    checkpoint: 'last', 'best' or a step
    shapes: shapes of the state of all seeds

  Raises:
    UserError: the checkpoint does not exist or is damaged.
  """
  kinds: tuple[str, ...] = (checkpoint,)
  step = None
  if checkpoint.isdecimal():
    kinds, step = STEADY, int(checkpoint)
  elif checkpoint not in ('last', 'best'):
    raise unknown('checkpoint', checkpoint, ('last', 'best', 'a step'))
  for kind in kinds:
    saved = store.restore(kind, shapes, step)
    if saved is not None:
      return saved
  steps = sorted({step for kind in STEADY for step in store.steps(kind)})
  existing = f'steps {", ".join(map(str, steps))}' if steps else 'none so far'
  raise UserError(
    f'no checkpoint {checkpoint!r} in {store.directory}; existing: {existing}'
  )


def training_text(workdir: str | os.PathLike, place: str = '') -> set[str]:
  """Returns the training sentences of a run in the form of its samples.

  Args:
    workdir: folder of the run
    place: folder or file that has the texts now; '': the recorded path

  Raises:
    UserError: the texts are not found, cannot be read, or have changed.
  """
  corpus = Workdir(workdir, create=False).corpus(place)
  return set(corpus.text(corpus.train))
