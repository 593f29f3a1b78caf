"""Measures the state of a run, records the values, and shows samples."""

from collections.abc import Callable

import numpy as np

from moegan_jax.experiment.reporter import Reporter
from moegan_jax.metrics import METRICS
from moegan_jax.metrics.classes import without_classes
from moegan_jax.report.rows import finite
from moegan_jax.scoring import report_data
from moegan_jax.scoring.evaluation import Evaluator, select_seed
from moegan_jax.store import schema
from moegan_jax.store.best import Best
from moegan_jax.store.records import RecordWriter
from moegan_jax.store.rows import Rows
from moegan_jax.store.workdir import Workdir
from moegan_jax.train import keys
from moegan_jax.train.health import Health, warnings
from moegan_jax.train.stages import Stage, row_key, start_of
from moegan_jax.types import TrainState

_SHOWN: tuple[str, ...]
_SHOWN = ('bleu4', 'self_bleu4', 'nll_oracle', 'jeffreys', 'nll_valid')
_SHOWN += ('mean_length', 'pads_after_end')
_LINES = 3  # samples on the console


class Measurements:
  """Measures a run at evaluations and at the ends of its stages."""

  def __init__(
    self,
    settings,
    evaluator: Evaluator,
    workdir: Workdir,
    records: RecordWriter,
    rows: Rows,
    best: Best,
    health: Health,
    stages: tuple[Stage, ...],
    pretrained: bool,
    reporter: Reporter,
  ):
    """Prepares the measurements without measuring.

    Args:
      settings: the section `eval`
      evaluator: draws samples and computes measures
      workdir: folder of the run
      records: writer of `metrics.jsonl` and of samples
      rows: the rows of the table
      best: the best checkpoint of each seed
      health: the seeds that diverged
      stages: the stages of the run
      pretrained: whether likelihood trained the generator before the last stage
      reporter: console output
    """
    self._settings, self._evaluator = settings, evaluator
    self._workdir, self._records, self._rows = workdir, records, rows
    self._best, self._health, self._stages = best, health, stages
    self._pretrained, self._reporter = pretrained, reporter
    self.shown = False  # whether samples were shown

  def first_samples(self, stage: Stage, state: TrainState) -> None:
    """Shows a few samples before the first evaluation."""
    one = select_seed(state, 0)
    key = keys.use_key(one.key, one.step, keys.EVALUATE)
    text = self._evaluator.corpus.text(self._evaluator.sample(one, key, 20))
    self._show(stage, state, [text])

  def evaluate(self, stage: Stage, state: TrainState) -> None:
    """Measures `eval.samples` samples during a stage."""
    n = self._settings.samples
    values, words = self._measure(state, n)
    self._record(stage, state, values, words, n)
    if stage == self._stages[-1]:
      self._warn(values)
      self._best.consider(state, values)

  def end(
    self,
    stage: Stage,
    state: TrainState,
    saved: Callable[[], TrainState | None],
  ) -> None:
    """Measures the end of a stage, unless its row exists.

    Args:
      stage: the stage
      state: the present state
      saved: returns the state at the end of the stage, or None if its
        checkpoint is lost. It is called if the present state is a later one,
        after an interruption between saving and measuring.
    """
    key = row_key(stage, self._stages)
    if self._rows.read(key, stage.end) is not None:
      return
    if int(state.step) != stage.end:
      restored = saved()
      if restored is None:
        self._reporter.note(
          f'{stage.name}: the checkpoint of its end is lost; the table has no '
          'row of it'
        )
        return
      state = restored
    n = self._settings.final_samples
    self._reporter.note(f'measuring {stage.name} on {n:,} samples')
    values, words = self._measure(state, n, full=True)
    self._record(stage, state, values, words, n)
    self._write_classes(stage, state, n)
    if stage == self._stages[-1]:
      corpus = self._evaluator.corpus
      if corpus.pad is not None:
        first = words[self._health.first]
        shown = {'row': key} | report_data.texts(first, corpus)
        self._workdir.write_json(schema.TEXTS, shown)
      # Candidates for the best checkpoint need equal numbers of samples.
      few, _ = self._measure(state, self._settings.samples)
      self._best.consider(state, few)
    self._rows.write(key, stage.end, values)

  def _measure(
    self, state: TrainState, n: int, full: bool = False
  ) -> tuple[dict[str, np.ndarray], list]:
    """Calls `Evaluator.measure`; values of diverged seeds become NaN."""
    values, words = self._evaluator.measure(state, n, full=full)
    return self._health.masked(values, int(state.step)), words

  def _record(self, stage, state, values, words, n) -> None:
    """Writes the record of an evaluation and shows samples."""
    # Files have the measures of each class, records those of all classes.
    named = without_classes(values) | {'samples': n}
    self._records.write('eval', stage.name, int(state.step), named)
    join = self._evaluator.corpus.codec.join
    texts = [[join(sentence) for sentence in seed] for seed in words]
    self._show(stage, state, texts, values)

  def _show(
    self,
    stage: Stage,
    state: TrainState,
    texts: list[list[str]],
    values: dict[str, np.ndarray] | None = None,
  ) -> None:
    """Writes samples to files, and prints some samples and measures.

    Args:
      stage: the present stage
      state: the present state
      texts: sentences of each seed
      values: measure -> [seeds]; None without measures
    """
    self.shown = True
    step, values = int(state.step), values or {}
    for seed, text in enumerate(texts):
      self._write(stage.name, step, text, seed, len(texts))
    # The step is global. The fraction is that of the phase, as in the progress
    # line.
    done = f'{step - stage.start}/{stage.end - stage.start}'
    first = texts[self._health.first if len(texts) > 1 else 0]
    figures = [
      f'{METRICS[k].label} {finite(values[k]).mean():.3f}'
      for k in _SHOWN
      if k in values
    ]
    title = f'samples of {stage.name} at step {step} ({done})'
    self._reporter.samples(title, first[:_LINES], figures)

  def _write(
    self, name: str, step: int, text: list[str], seed: int, seeds: int
  ) -> None:
    """Writes the samples of a seed, unless it diverged.

    A diverged seed keeps its state of an earlier step.

    Args:
      name: of the phase, or of a class of it
      step: the global step
      text: the sentences
      seed: index of the seed
      seeds: number of seeds
    """
    if seeds > 1:
      if self._health.lost[seed] >= 0:
        return
      name = f'{name}-seed{seed}'
    self._records.samples(name, step, text)

  def _write_classes(self, stage: Stage, state: TrainState, n: int) -> None:
    """Writes n samples of a conditional generator, a file for each class."""
    evaluator, seeds = self._evaluator, len(state.key)
    if not evaluator.classes:
      return
    for seed in range(seeds):
      drawn = evaluator.class_samples(select_seed(state, seed), n)
      for label, tokens in zip(evaluator.classes, drawn):
        name = schema.class_samples(stage.name, label)
        text = evaluator.corpus.text(tokens)
        self._write(name, int(state.step), text, seed, seeds)

  def _warn(self, values: dict[str, np.ndarray]) -> None:
    """Prints warning signs against the pre-trained generator."""
    start = start_of(self._stages)
    before = self._rows.read(row_key(start, self._stages), start.end)
    if before is not None and self._pretrained and start != self._stages[-1]:
      for warning in warnings(before, values):
        self._reporter.note(warning)
