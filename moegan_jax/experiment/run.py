"""Executes a run: trains its phases, evaluates, saves and resumes."""

import functools
import time

import jax

from moegan_jax.experiment.batched_runs import (
  SINGLE,
  BatchedRuns,
  Diverged,
  Interrupted,
)
from moegan_jax.experiment.forecast import Forecast
from moegan_jax.experiment.measurements import Measurements
from moegan_jax.experiment.progress import format_duration
from moegan_jax.experiment.reporter import Reporter
from moegan_jax.experiment.settings import benchmark
from moegan_jax.experiment.warm_start import COLD, WarmStart
from moegan_jax.report.rows import finite
from moegan_jax.scoring.evaluation import Evaluator
from moegan_jax.scoring.final_report import Finished, final_report
from moegan_jax.scoring.selection import measure_of
from moegan_jax.scoring.table_rows import record_known, write_known
from moegan_jax.store.best import Best
from moegan_jax.store.checkpoint import Store
from moegan_jax.store.records import RecordWriter
from moegan_jax.store.rows import Rows
from moegan_jax.store.workdir import Workdir
from moegan_jax.train import loop
from moegan_jax.train.engine import Engine
from moegan_jax.train.health import ROLLBACK, Fault, Health
from moegan_jax.train.interrupts import Interrupts
from moegan_jax.train.log import Log
from moegan_jax.train.processes import Leader
from moegan_jax.train.stages import Stage, stages, start_of
from moegan_jax.types import Role, System, TrainState

FIRST_SAMPLES = 40.0  # seconds of training before the first samples


class Run:
  """One run in one folder. Its checkpoints hold its complete state."""

  def __init__(
    self,
    config,
    system: System,
    evaluator: Evaluator,
    workdir: Workdir,
    engine: Engine | Leader,
    reporter: Reporter,
    warm: WarmStart = COLD,
    batched: BatchedRuns = SINGLE,
  ):
    """Prepares a run without writing files.

    Args:
      config: all settings
      engine: runs chunks of iterations on the devices
      reporter: console output
      warm: the warm start of the generator
      batched: the experiments that share the program

    Raises:
      UserError: `eval.best` does not exist or is not measured.
    """
    self.config, self.system, self.workdir = config, system, workdir
    self.engine, self.reporter = engine, reporter
    self.warm, self.batched = warm, batched
    self.single = batched.experiments == 1
    self.size = config.num_seeds * batched.experiments  # of the seed axis
    self.evaluator, self.corpus = evaluator, evaluator.corpus
    self.records = RecordWriter(workdir.path)
    self.store = Store(workdir.checkpoints, reporter.note)
    rules = config.eval
    self.best = Best(
      self.store, measure_of(rules.best, rules.selection, self.corpus)
    )
    self.rows = Rows(workdir.path)
    self.health = Health(self.size)
    self.shapes = jax.eval_shape(self._initial)
    self.stages = stages(system.phases)
    start = start_of(self.stages)
    trained = start.role == Role.LIKELIHOOD and start.end > start.start
    self.pretrained = bool(config.init_from or trained)
    self.measurements = Measurements(
      rules,
      evaluator,
      workdir,
      self.records,
      self.rows,
      self.best,
      self.health,
      self.stages,
      self.pretrained,
      reporter,
    )
    self._forecast = Forecast(system.phases, self.shapes, self.corpus.length)
    self._log = Log(config.log_every)
    self._saved_at = time.monotonic()

  def _initial(self) -> TrainState:
    """Creates the initial state of all seeds."""
    state = loop.init_seeds(
      self.system.init,
      self.config.seed,
      self.config.num_seeds,
      self.batched.experiments,
    )
    if self.warm.params is None:
      return state
    player = state.players['generator'].replace(params=self.warm.params)
    return state.replace(players=state.players | {'generator': player})

  def _begin(self) -> TrainState:
    """Restores the newest intact checkpoint, or creates the initial state."""
    saved = self.store.restore('last', self.shapes)
    self.records.rewind(saved.step if saved else -1)
    if saved is None:
      state = self._initial()
      self.store.save('last', 0, state, {}, self.config.checkpoint.keep)
      known = self.warm.known
      record_known(self.records, known, start_of(self.stages), self.config.eval)
      write_known(self.rows, known)
      return state
    self.health.restore(saved.meta)
    self._log.restore(saved.meta.get('log', []))
    self.best.restore(self.shapes)
    self.measurements.shown = True
    total = self.stages[-1].end
    resumed = f'resumed at step {saved.step} of {total}'
    done = saved.step >= total
    self.reporter.note('this run is finished' if done else resumed)
    return saved.tree

  def execute(self) -> str:
    """Trains and measures all that earlier executions have not done.

    Returns:
      The table of results as plain text; '' for several experiments.

    Raises:
      Interrupted: SIGINT or SIGTERM, after saving.
      Diverged: all seeds diverged.
    """
    state = self._begin()
    try:
      with Interrupts('{} received: saving after these iterations') as signals:
        for stage in self.stages:
          while int(state.step) < stage.end:  # repeats after a rollback
            state = self._train(stage, state, signals)
          if signals.caught:
            raise Interrupted(signals.caught)
          self._keep_end(stage, state)
          if self.single and stage.trains_generator:
            end = functools.partial(self._at_end, stage)
            self.measurements.end(stage, state, end)
        if signals.caught:
          raise Interrupted(signals.caught)
      return self._finish() if self.single else ''
    finally:
      self.records.close()

  def _train(
    self, stage: Stage, state: TrainState, signals: Interrupts
  ) -> TrainState:
    """Trains one phase from its present step, chunk by chunk.

    Returns:
      The state at the end of the phase. After a rollback it is an earlier one,
      from which to continue at lower learning rates.
    """
    phase = self.system.phases[stage.name]
    if int(state.step) == stage.start:
      state = loop.enter(phase, state)
    step = int(state.step)
    compiled = self.engine.begin(
      stage.name, state, self.health.rate(stage.name)
    )
    show_after = time.monotonic() + FIRST_SAMPLES
    every = phase.eval_every or max(1, phase.steps)
    self.reporter.begin_phase(stage.name, phase.steps, step - stage.start)
    count, timed = 1, 0
    try:
      while step < stage.end:
        begin = time.monotonic()
        count, report = self.engine.run(count, self.health.alive)
        seconds = time.monotonic() - begin
        step += count
        faults = self.health.faults(report)
        if faults and (earlier := self._roll_back(stage, faults[0])):
          return earlier
        self._record(stage, step, count, report, faults)
        timed += 1
        self._progress(stage, step, count, seconds if timed > 1 else 0, report)
        if timed == 2:  # the first call also initialises device memory
          self._announce(stage, compiled, seconds / count, stage.end - step)
        late = time.monotonic() >= show_after and step < stage.end
        if late and not self.measurements.shown:
          self.measurements.first_samples(stage, self.engine.fetch())
        if step < stage.end and (step - stage.start) % every == 0:
          self.measurements.evaluate(stage, self.engine.fetch())
        waited = time.monotonic() - self._saved_at
        due = waited >= self.config.checkpoint.every
        if due or signals.caught or step == stage.end:
          self._save(step, self.engine.fetch())
          self._saved_at = time.monotonic()
        if signals.caught and step < stage.end:
          raise Interrupted(signals.caught)
        if timed > 1:
          count = int(self.config.chunk_seconds * count / seconds)
        # A chunk must not pass the next evaluation or the end of the phase.
        done = step - stage.start
        until = min(stage.end, stage.start + (done // every + 1) * every)
        count = max(1, min(count, until - step))
      return self.engine.fetch()
    finally:
      self.engine.end()
      self.reporter.end_phase()

  def _record(
    self,
    stage: Stage,
    step: int,
    count: int,
    report: loop.Report,
    faults: list[Fault],
  ) -> None:
    """Writes the complete windows of the log and the seeds that diverged.

    Raises:
      Diverged: all seeds diverged.
    """
    if faults:
      self.health.mark(faults)
      if not self.health.alive.any():
        raise Diverged(_stopped(stage, faults[0], self.store))
    done = step - stage.start
    windows = self._log.add(
      report.values, done - count, count, step == stage.end
    )
    # The order must not depend on the lengths of the chunks.
    records = [
      (stage.start + at, 'train', self.health.masked(means, stage.start + at))
      for at, means in windows
    ]
    records += [
      (f.step, 'event', {'lost': self.health.lost_by(f.step)}) for f in faults
    ]
    for at, kind, values in sorted(records, key=lambda one: one[0]):
      self.records.write(kind, stage.name, at, values)
    for fault in faults:
      self.reporter.note(
        f'{_described(stage, fault)}; this seed keeps its last finite state '
        'and is marked, the others continue'
      )

  def _progress(self, stage, step, count, seconds, report) -> None:
    """Updates the progress line with the losses of a chunk."""
    losses = self.health.masked(loop.means(report, count), step)
    shown = {k: finite(v).mean() for k, v in losses.items() if 'grad' not in k}
    self.reporter.progress(step - stage.start, seconds, shown)

  def _save(self, step: int, state: TrainState) -> None:
    """Saves the state for resuming. It is finite, see `loop.make_chunk`."""
    log = {'log': self._log.pending} if self._log.pending else {}
    keep = self.config.checkpoint.keep
    self.store.save('last', step, state, self.health.meta | log, keep)

  def _roll_back(self, stage: Stage, fault: Fault) -> TrainState | None:
    """Restores the last checkpoint and lowers rates; None if not possible."""
    done = sum(self.health.rollbacks.values())
    most = self.config.max_rollbacks
    if self.config.on_nan != ROLLBACK or done >= most:
      return None
    saved = self.store.restore('last', self.shapes)
    if saved is None or saved.step < stage.start:
      return None
    rollbacks = self.health.rollbacks
    rollbacks[stage.name] = rollbacks.get(stage.name, 0) + 1
    self._log.restore(saved.meta.get('log', []))
    self._save(saved.step, saved.tree)  # with the new number of rollbacks
    self.records.rewind(saved.step)
    event = {'rollbacks': done + 1}
    self.records.write('event', stage.name, saved.step, event)
    self.reporter.note(
      f'{_described(stage, fault)}; back to step {saved.step} with learning '
      f'rates times {self.health.rate(stage.name):g} (rollback {done + 1} of '
      f'at most {most})'
    )
    return saved.tree

  def _announce(self, stage, compiled, seconds: float, left: int) -> None:
    """Prints compile time, memory and the durations of the phases."""
    self.reporter.note(
      f'{stage.name}: compiled in {compiled.seconds:.0f} s, '
      f'{compiled.extra_bytes / 1e6:,.0f} MB of working memory, '
      f'{seconds:.3g} s per iteration, {format_duration(seconds * left)} to go'
    )
    for line in self._forecast.lines(stage.name, seconds, left):
      self.reporter.note(line)

  def _keep_end(self, stage: Stage, state: TrainState) -> None:
    """Saves the checkpoint of the end of a stage unless it exists."""
    end = stage.end
    if int(state.step) == end and end not in self.store.steps('phase'):
      meta = {'phase': stage.name, 'role': str(stage.role)}
      self.store.save('phase', end, state, meta | self.health.meta)

  def _at_end(self, stage: Stage) -> TrainState | None:
    """Restores the state at the end of a stage; None if it is lost."""
    saved = self.store.restore('phase', self.shapes, stage.end)
    return saved.tree if saved else None

  def _finish(self) -> str:
    """Writes the final report and returns its table as text."""
    finished = Finished(
      settings=self.config.eval,
      workdir=self.workdir,
      evaluator=self.evaluator,
      rows=self.rows,
      best=self.best,
      health=self.health,
      stages=self.stages,
      state_at_end=functools.cache(self._at_end),
      label=self.system.label or self.config.system,
      pretrained=self.pretrained,
      benchmark=benchmark(self.config.data, self.corpus),
    )
    return final_report(finished, self.reporter.note)


def _described(stage: Stage, fault: Fault) -> str:
  """Describes the value that is not finite."""
  return (
    f'phase {stage.name}, step {fault.step}, seed {fault.seed}: {fault.loss} '
    'is not finite'
  )


def _stopped(stage: Stage, fault: Fault, store: Store) -> str:
  """Returns the message for a run of which all seeds diverged."""
  kept = store.steps('last')[-1:]
  return (
    f'{_described(stage, fault)}; the last finite state is checkpoint '
    f'last-{kept[0] if kept else "?"} in {store.directory}; try '
    '--config.on_nan=rollback, or a lower learning rate in a new --workdir'
  )
