"""A run: phases one after the other, measured, saved, and resumed."""

import functools
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.files import write_json
from moegan_jax.metrics import METRICS
from moegan_jax.report.published import finite
from moegan_jax.train import exhibits, loop, results
from moegan_jax.train.best import Best, measure_of
from moegan_jax.train.checkpoint import Store
from moegan_jax.train.cost import flops
from moegan_jax.train.engine import Engine, starts
from moegan_jax.train.evaluation import Evaluator, member
from moegan_jax.train.finish import Trained, finish
from moegan_jax.train.health import ROLLBACK, Fault, Health, warnings
from moegan_jax.train.interrupts import Interrupts
from moegan_jax.train.progress import Progress, format_duration
from moegan_jax.train.workdir import Workdir
from moegan_jax.train.writer import Writer
from moegan_jax.types import Batch, Phase, System, TrainState

FIRST_SAMPLES = 40.0  # seconds of training before the first sentences
LONG = 3 * 3600.0  # seconds that call for a hint on a CPU
_SHOWN = ('bleu4', 'self_bleu4', 'nll_oracle', 'jeffreys', 'nll_valid')
_SHOWN += ('mean_length', 'pads_after_end')


class Interrupted(Exception):
  """A signal ended the run; everything up to here is saved."""


class Diverged(Exception):
  """All seeds diverged; the last checkpoint is the last good state."""


class Options(NamedTuple):
  """What a run needs of a configuration besides its system.

  initial: parameters [seeds, ...] of the generator to start from, or None
  pretrained: whether likelihood trained the generator, here or elsewhere
  eval_every: phase -> epochs (pre-training) or iterations; 0: at its end
  published: the benchmark whose published rows are comparable, or ''
  known: rows that another run has measured of the same generator
  on_nan, max_rollbacks: what a value that is not finite leads to, see `health`
  """

  label: str
  num_seeds: int
  seed: int
  initial: Any
  pretrained: bool
  chunk_seconds: float
  keep: int
  save_every: float
  samples: int
  final_samples: int
  eval_every: dict[str, int]
  best: str
  selection: str
  temperatures: tuple[float, ...]
  curve_samples: int
  published: str
  known: results.Known
  on_nan: str
  max_rollbacks: int


class Members(NamedTuple):
  """Several experiments as one program; see `group`.

  They take turns along the axis of the seeds: all seeds of the first one, all
  of the second one, and so on. Each is measured apart, when all is trained.

  count: how many experiments
  values: settings in which they differ: dotted key -> [count * seeds]
  system_of: the system of one entry, from its values
  """

  count: int
  values: dict[str, jax.Array]
  system_of: Callable[[dict[str, jax.Array]], System] | None


ALONE = Members(1, {}, None)


class Run:
  """One run in one folder; all that it has to remember is in checkpoints."""

  def __init__(
    self,
    system: System,
    evaluator: Evaluator,
    workdir: Workdir,
    options: Options,
    engine: Engine,
    members: Members = ALONE,
  ):
    self.engine = engine
    self.system, self.options, self.workdir = system, options, workdir
    self.members, self.alone = members, members.count == 1
    self.size = options.num_seeds * members.count  # of the axis of the seeds
    self.evaluator, self.corpus = evaluator, evaluator.corpus
    self.writer = Writer(workdir.path)
    self.store = Store(workdir.checkpoints, self._say)
    self.best = Best(
      self.store, measure_of(options.best, options.selection, self.corpus)
    )
    self.rows = results.Rows(workdir)
    self.health = Health(self.size)
    self.shapes = jax.eval_shape(self._initial)
    self.starts = starts(system.phases)
    self.total = sum(phase.steps for phase in system.phases.values())
    self._progress: Progress | None = None
    self._saved_at = time.monotonic()
    self._unseen = True  # nobody has read samples yet

  def _say(self, text: str) -> None:
    if self._progress is not None:
      self._progress.note(text)
    else:
      print(text, flush=True)

  def _initial(self) -> TrainState:
    state = loop.init_seeds(
      self.system.init,
      self.options.seed,
      self.options.num_seeds,
      self.members.count,
    )
    if self.options.initial is None:
      return state
    player = state.players['generator'].replace(params=self.options.initial)
    return state.replace(players=state.players | {'generator': player})

  def _begin(self) -> TrainState:
    """The newest intact checkpoint, or the state at the start."""
    saved = self.store.restore('last', self.shapes)
    self.writer.rewind(saved.step if saved else -1)
    if saved is None:
      state = self._initial()
      self.store.save('last', 0, state, {}, self.options.keep)
      known, n = self.options.known, self.options.final_samples
      results.record_known(self.writer, known, n)
      results.write_known(self.rows, known)
      return state
    self.health.restore(saved.meta)
    self.best.restore(self.shapes)
    self._unseen = False  # people have seen samples before
    if saved.step >= self.total:
      self._say('this run is finished')
    else:
      self._say(f'resumed at step {saved.step} of {self.total}')
    return saved.tree

  def execute(self) -> str:
    """Trains what is left, measures what is not yet measured.

    Returns:
      the table of results, as plain text; '' of several members.

    Raises:
      Interrupted: SIGINT or SIGTERM, after saving.
      Diverged: no seed is left whose values are finite.
    """
    state = self._begin()
    notice = '{} received: saving after the present iterations'
    try:
      with Interrupts(notice) as signals:
        for name, phase in self.system.phases.items():
          end = self.starts[name] + phase.steps
          while int(state.step) < end:  # again after going back
            state = self._train(name, state, signals)
          if signals.caught:
            raise Interrupted(signals.caught)
          self._keep_end(name, end, state)
          if self.alone:
            self._measure_phase(name, end, state)
        if signals.caught:
          raise Interrupted(signals.caught)
      return self._finish() if self.alone else ''
    finally:
      self.writer.close()

  # --- training ------------------------------------------------------------

  def _train(
    self, name: str, state: TrainState, signals: Interrupts
  ) -> TrainState:
    """One phase, from wherever it stands, chunk by chunk.

    Returns:
      the state at its end, or an earlier one to go on from at lower rates.
    """
    phase = self.system.phases[name]
    start, end = self.starts[name], self.starts[name] + phase.steps
    if int(state.step) == start:
      state = loop.enter(phase, state)
    step = int(state.step)
    compiled = self.engine.begin(name, state, self.health.rate(name))
    show_after = time.monotonic() + FIRST_SAMPLES  # it was compiled by now
    every = self._eval_steps(name, phase)
    self._progress = Progress(sys.stdout, phase.steps, step - start, name)
    count, timed = 1, 0
    try:
      while step < end:
        begin = time.monotonic()
        count, report = self.engine.run(count, self.health.alive)
        seconds = time.monotonic() - begin
        step += count
        faults = self.health.faults(report)
        if faults and (earlier := self._back(name, faults[0])) is not None:
          return earlier
        self._mark(name, step, faults)
        timed += 1
        self._report(name, step - start, seconds if timed > 1 else 0, report)
        if timed == 2:  # the first call also pays for touching its memory
          self._announce(name, compiled, seconds / count, end - step)
        # At the end of a phase samples are drawn anyway.
        if self._unseen and time.monotonic() >= show_after and step < end:
          self._first_samples(name, self.engine.fetch())
        if step < end and (step - start) % every == 0:
          self._evaluate(name, self.engine.fetch())
        due = time.monotonic() - self._saved_at >= self.options.save_every
        if due or signals.caught or step == end:
          self._save(step, self.engine.fetch())
          self._saved_at = time.monotonic()
        if signals.caught and step < end:
          raise Interrupted(signals.caught)
        if timed > 1:
          count = int(self.options.chunk_seconds * count / seconds)
        # Never beyond the next evaluation or the end of the phase.
        until = min(end, start + ((step - start) // every + 1) * every)
        count = max(1, min(count, until - step))
      return self.engine.fetch()
    finally:
      self.engine.end()
      self._progress.close()
      self._progress = None

  def _report(self, name, local, seconds, report: loop.Report) -> None:
    """The losses of a chunk, for the records and for the eye."""
    step = self.starts[name] + local
    losses = self.health.masked(report.mean, step)
    self.writer.write('train', name, step, losses)
    shown = {k: finite(v).mean() for k, v in losses.items() if 'grad' not in k}
    self._progress.update(local, seconds, shown)

  def _save(self, step: int, state: TrainState) -> None:
    """The state to go on from; it is finite, see `loop.make_chunk`."""
    self.store.save('last', step, state, self.health.meta, self.options.keep)

  def _back(self, name: str, fault: Fault) -> TrainState | None:
    """The last checkpoint, to go on from at lower rates; None: not wanted."""
    done = sum(self.health.rollbacks.values())
    if self.options.on_nan != ROLLBACK or done >= self.options.max_rollbacks:
      return None
    saved = self.store.restore('last', self.shapes)
    if saved is None or saved.step < self.starts[name]:
      return None
    self.health.rollbacks[name] = self.health.rollbacks.get(name, 0) + 1
    self._save(saved.step, saved.tree)  # a resumed run has to know
    self.writer.rewind(saved.step)
    self.writer.write('event', name, saved.step, {'rollbacks': done + 1})
    self._say(
      f'{self._said(name, fault)}; back to step {saved.step} with learning '
      f'rates times {self.health.rate(name):g} (rollback {done + 1} of at most '
      f'{self.options.max_rollbacks})'
    )
    return saved.tree

  def _mark(self, name: str, step: int, faults: list[Fault]) -> None:
    """Marks the seeds that diverged; raises `Diverged` if none is left."""
    if not faults:
      return
    self.health.mark(faults)
    if not self.health.alive.any():
      kept = self.store.steps('last')[-1:]
      raise Diverged(
        f'{self._said(name, faults[0])}; the last good state is checkpoint '
        f'last-{kept[0] if kept else "?"} in {self.workdir.checkpoints}; '
        '--config.on_nan=rollback, or a lower learning rate in a new '
        '--workdir, may help'
      )
    self.writer.write('event', name, step, {'lost': self.health.lost})
    for fault in faults:
      self._say(
        f'{self._said(name, fault)}; that seed keeps its last good state and '
        'is marked, the others go on'
      )

  def _said(self, name: str, fault: Fault) -> str:
    return (
      f'phase {name}, step {fault.step}, seed {fault.seed}: {fault.loss} is '
      'not finite'
    )

  def _announce(self, name, compiled, seconds, left) -> None:
    """The plan's times, now that an iteration was timed.

    Later phases are predicted by their number of operations, and timed when
    they are reached.
    """
    self._say(
      f'{name}: compiled in {compiled.seconds:.0f} s, '
      f'{compiled.extra_bytes / 1e6:,.0f} MB of working memory, '
      f'{seconds:.3g} s an iteration, {format_duration(seconds * left)} to go'
    )
    total = seconds * left
    per_operation = seconds / self._operations(name)
    names = list(self.system.phases)
    for later in names[names.index(name) + 1 :]:
      each = per_operation * self._operations(later)
      whole = each * self.system.phases[later].steps
      total += whole
      self._say(
        f'{later}: about {each:.3g} s an iteration by the number of '
        f'operations, {format_duration(whole)} in all'
      )
    if total > LONG and jax.default_backend() == 'cpu':
      self._say(
        f'the scale of the paper takes {format_duration(total)} on this CPU; '
        'the variant :cpu of the same config takes about ten minutes '
        '(going on)'
      )

  def _operations(self, name: str) -> float:
    """Operations of one iteration of a phase, over all seeds."""
    phase = self.system.phases[name]
    one = jax.eval_shape(lambda s: member(s, 0), self.shapes)
    shape = (phase.update.batches, phase.batch_size, self.corpus.length)
    tokens = jax.ShapeDtypeStruct(shape, jnp.int32)
    return self.size * flops(
      lambda s, t: phase.update.apply(s, Batch(t), s.key), one, tokens
    )

  # --- measures ------------------------------------------------------------

  def _eval_steps(self, name: str, phase: Phase) -> int:
    every = self.options.eval_every.get(name, 0)
    if name == 'pretrain':  # where it is a number of epochs
      every *= loop.steps_per_epoch(phase, len(self.corpus.train))
    return every or max(1, phase.steps)

  def _is_final(self, name: str) -> bool:
    return name == list(self.system.phases)[-1]

  def _first_samples(self, name: str, state: TrainState) -> None:
    """A few sentences early on: people want to see that it is text."""
    one = member(state, 0)
    key = loop.use_key(one.key, one.step, loop.EVALUATE)
    text = self.corpus.text(self.evaluator.sample(one, key, 20))
    self._show(name, state, [text])

  def _lines(self, words: list) -> list[list[str]]:
    """Samples of each seed as readable lines."""
    join = self.corpus.codec.join
    return [[join(sentence) for sentence in seed] for seed in words]

  def _show(
    self,
    name: str,
    state: TrainState,
    texts: list,
    values: dict[str, np.ndarray] | None = None,
  ) -> None:
    """Keeps samples as files; three of them and some measures are said."""
    self._unseen = False
    step = int(state.step)
    for seed, text in enumerate(texts):
      if len(texts) > 1 and self.health.lost[seed] >= 0:
        continue  # that text would be of an earlier step
      label = name if len(texts) == 1 else f'{name}-seed{seed}'
      self.writer.samples(label, step, text)
    # Steps count through all phases, the line of progress begins anew.
    done = f'{step - self.starts[name]}/{self.system.phases[name].steps}'
    self._say(f'samples of {name} at step {step} ({done}):')
    for line in texts[self.health.first if len(texts) > 1 else 0][:3]:
      self._say(f'  {line or "(empty)"}')
    figures = [
      f'{METRICS[k].label} {finite(values[k]).mean():.3f}'
      for k in _SHOWN
      if values and k in values
    ]
    if figures:
      self._say('  ' + ', '.join(figures))

  def _measure(
    self, state: TrainState, n: int, full: bool = False
  ) -> tuple[dict[str, np.ndarray], list]:
    """As `Evaluator.measure`, with NaN for seeds that are lost."""
    values, words = self.evaluator.measure(state, n, full=full)
    return self.health.masked(values, int(state.step)), words

  def _warn(self, name: str, values: dict[str, np.ndarray]) -> None:
    """Warns of what the game takes from the pre-trained generator."""
    before = self.rows.read('pretrain', self.starts[name])
    if before is not None and self.options.pretrained:
      for warning in warnings(before, values):
        self._say(warning)

  def _evaluate(self, name: str, state: TrainState) -> None:
    """Measures on few samples while training."""
    n = self.options.samples
    values, words = self._measure(state, n)
    self.writer.write('eval', name, int(state.step), values | {'samples': n})
    self._show(name, state, self._lines(words), values)
    if self._is_final(name):
      self._warn(name, values)
      self.best.consider(state, values)

  def _keep_end(self, name: str, end: int, state: TrainState) -> None:
    """A checkpoint of the end of a phase, once."""
    if int(state.step) == end and end not in self.store.steps('phase'):
      self.store.save('phase', end, state, {'phase': name} | self.health.meta)

  def _measure_phase(self, name: str, end: int, state: TrainState) -> None:
    """The full measures at the end of a phase, once."""
    if self.rows.read(name, end) is not None:
      return
    if int(state.step) != end:
      # An earlier run was stopped between saving and measuring.
      saved = self.store.restore('phase', self.shapes, end)
      if saved is None:
        self._say(f'no checkpoint of the end of {name}: its row is left out')
        return
      state = saved.tree
    n = self.options.final_samples
    self._say(f'measuring {name} on {n:,} samples')
    values, words = self._measure(state, n, full=True)
    self.writer.write('eval', name, end, values | {'samples': n})
    self._show(name, state, self._lines(words), values)
    if self._is_final(name) and self.corpus.pad is not None:
      shown = {'row': name} | exhibits.texts(
        words[self.health.first], self.corpus
      )
      write_json(self.workdir.path / 'texts.json', shown)
    if self._is_final(name):
      # On as many samples and lines as all other candidates.
      few, _ = self._measure(state, self.options.samples)
      self.best.consider(state, few)
    self.rows.write(name, end, values)

  def _finish(self) -> str:
    """All rows, curves and the report; the table for the screen."""
    options = self.options
    ends = {
      name: start + self.system.phases[name].steps
      for name, start in self.starts.items()
    }

    @functools.cache
    def state_at_end(name: str) -> TrainState | None:
      saved = self.store.restore('phase', self.shapes, ends[name])
      return saved.tree if saved else None

    return finish(
      Trained(
        workdir=self.workdir,
        evaluator=self.evaluator,
        rows=self.rows,
        best=self.best,
        health=self.health,
        ends=ends,
        state_at_end=state_at_end,
        n=options.final_samples,
        label=options.label,
        pretrained=options.pretrained,
        temperatures=options.temperatures,
        curve_samples=options.curve_samples,
        benchmark=options.published,
      ),
      self._say,
    )
