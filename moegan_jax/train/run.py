"""A run from its first line to its table: plan, phases, measures, results."""

import json
import math
import sys
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError
from moegan_jax.metrics import METRICS
from moegan_jax.report import table
from moegan_jax.train import loop
from moegan_jax.train.checkpoint import Store
from moegan_jax.train.cost import flops
from moegan_jax.train.evaluation import Evaluator, member
from moegan_jax.train.interrupts import Interrupts
from moegan_jax.train.progress import Progress, format_duration
from moegan_jax.train.workdir import Workdir, write_json, write_text
from moegan_jax.train.writer import Writer
from moegan_jax.types import Batch, Phase, System, TrainState

FIRST_SAMPLES = 40.0  # seconds of training before the first sentences


class Interrupted(Exception):
  """A signal ended the run; everything up to here is saved."""


class Diverged(Exception):
  """A loss is not finite; the last checkpoint is the last good state."""


class Options(NamedTuple):
  """What the loop needs of a configuration, unpacked at the edge."""

  num_seeds: int
  seed: int
  chunk_seconds: float
  keep: int
  save_every: float
  samples: int
  final_samples: int
  eval_every: dict[str, int]  # phase -> epochs or iterations
  best: str
  published: bool  # the corpus is the one that papers report on


class Run:
  """One run in one folder; all its state is in the checkpoints."""

  def __init__(
    self,
    system: System,
    corpus: Corpus,
    workdir: Workdir,
    options: Options,
    evaluator: Evaluator,
    label: str,
    initial: Any = None,
  ):
    """initial: parameters [seeds, ...] of the generator to start from."""
    self.system, self.corpus, self.options = system, corpus, options
    self.workdir, self.label = workdir, label
    self.evaluator = evaluator
    self.writer = Writer(workdir.path)
    self.store = Store(workdir.checkpoints, self._say)
    self._tokens = jnp.asarray(corpus.train)
    self._rate = None  # operations a second, once something was timed
    self._initial = initial
    self._progress: Progress | None = None
    self._saved_at = self._shown_at = time.monotonic()
    self._samples_shown = False
    self._best_step: list[int] = []
    self._best_value: list[float] = []
    self._best_state: TrainState | None = None
    self.starts, at = {}, 0
    for name, phase in system.phases.items():
      self.starts[name] = at
      at += phase.steps
    self.total = at

  def _say(self, text: str) -> None:
    if self._progress is not None:
      self._progress.note(text)
    else:
      print(text, flush=True)

  # --- state ---------------------------------------------------------------

  def _begin(self) -> TrainState:
    """The newest intact checkpoint, or the state at the start."""
    shapes = jax.eval_shape(
      lambda: loop.init_seeds(
        self.system.init, self.options.seed, self.options.num_seeds
      )
    )
    saved = self.store.restore('last', shapes)
    if saved is None:
      self.writer.rewind(-1)
      state = loop.init_seeds(
        self.system.init, self.options.seed, self.options.num_seeds
      )
      if self._initial is not None:
        player = state.players['generator'].replace(params=self._initial)
        state = state.replace(players=state.players | {'generator': player})
      return state
    self.writer.rewind(saved.step)
    if 0 < saved.step < self.total:
      self._say(f'resumed at step {saved.step} of {self.total}')
    best = self.store.restore('best', shapes)
    if best is not None:
      self._best_state = best.tree
      self._best_step = best.meta['steps']
      self._best_value = [float(v) for v in best.meta['values']]
    return saved.tree

  def _save(self, state: TrainState) -> None:
    self.store.save('last', int(state.step), state, {}, self.options.keep)
    self._saved_at = time.monotonic()

  # --- phases --------------------------------------------------------------

  def execute(self) -> list[table.Row]:
    """Trains what is left to train and measures what is not yet measured.

    Raises:
      Interrupted: SIGINT or SIGTERM, after saving.
      Diverged: a loss that is not finite.
    """
    state = self._begin()
    notice = '{} received: finishing the current iterations, then saving'
    with Interrupts(notice) as signals:
      for name, phase in self.system.phases.items():
        end = self.starts[name] + phase.steps
        if int(state.step) < end:
          state = self._train(name, phase, state, signals)
        self._measure_phase(name, end, state)
        if signals.caught:
          raise Interrupted(signals.caught)
    return self._finish(state)

  def _chunk_size(self, per_iteration: float | None, left: int) -> int:
    if per_iteration is None:
      return 1  # to be timed
    wanted = self.options.chunk_seconds / max(per_iteration, 1e-9)
    return max(1, min(left, int(wanted)))

  def _train(
    self, name: str, phase: Phase, state: TrainState, signals: Interrupts
  ) -> TrainState:
    start = self.starts[name]
    end = start + phase.steps
    if int(state.step) == start:
      state = loop.enter(phase, state)
    compiled = loop.compile_chunk(phase, start, state, self._tokens)
    work = self._operations(name, phase, state)
    every = self._eval_steps(name, phase)
    self._progress = Progress(sys.stderr, phase.steps, int(state.step) - start, name)
    per_iteration, warm = None, False
    announced = False
    while int(state.step) < end:
      step = int(state.step)
      left = min(end, start + ((step - start) // every + 1) * every) - step
      count = self._chunk_size(per_iteration, left)
      begin = time.monotonic()
      state, report = jax.block_until_ready(
        compiled.call(state, jnp.int32(count), self._tokens)
      )
      seconds = time.monotonic() - begin
      step += count
      if warm:  # the first call also pays for first touches of memory
        per_iteration = seconds / count
        self._rate = work / per_iteration
        if not announced:
          self._announce(name, phase, compiled, per_iteration, end - step)
          announced = True
      self._check(name, report)
      losses = {k: np.asarray(v) for k, v in report.mean.items()}
      if warm or count == phase.steps:
        self._log(name, step, losses)
      self._progress.update(
        step - start,
        seconds if warm else 0.0,
        {k: v.mean() for k, v in losses.items() if 'grad_norm' not in k},
      )
      warm = True
      self._first_samples(name, state)
      if step < end and (step - start) % every == 0:
        self._evaluate(name, state, phase)
      due = time.monotonic() - self._saved_at >= self.options.save_every
      if due or signals.caught or step == end:
        self._save(state)
      if signals.caught and step < end:
        self._progress.close()
        self._progress = None
        raise Interrupted(signals.caught)
    self._progress.close()
    self._progress = None
    return state

  def _log(self, name: str, step: int, losses: dict) -> None:
    self.writer.write('train', name, step, losses)

  def _operations(self, name: str, phase: Phase, state: TrainState) -> float:
    """Operations of one iteration over all seeds; the other phases' times
    are predicted by their ratio to what was timed."""
    one = jax.eval_shape(lambda s: member(s, 0), state)
    tokens = jax.ShapeDtypeStruct(
      (phase.update.batches, phase.batch_size, self.corpus.length), jnp.int32
    )
    count = flops(
      lambda s, t: phase.update.apply(s, Batch(t), s.key), one, tokens
    )
    return self.options.num_seeds * count

  def _announce(self, name, phase, compiled, per_iteration, left) -> None:
    """The plan's times, now that an iteration was timed."""
    lines = [
      f'{name}: compiled in {compiled.seconds:.0f} s, '
      f'{compiled.extra_bytes / 1e6:,.0f} MB of working memory, '
      f'{per_iteration:.3g} s an iteration, '
      f'{format_duration(per_iteration * left)} to go'
    ]
    total = per_iteration * left
    names = list(self.system.phases)
    for other in names[names.index(name) + 1 :]:
      shape = self.system.phases[other]
      state = jax.eval_shape(
        lambda: loop.init_seeds(self.system.init, 0, self.options.num_seeds)
      )
      each = self._operations(other, shape, state) / self._rate
      total += each * shape.steps
      lines.append(
        f'{other}: about {each:.3g} s an iteration by the number of '
        f'operations, {format_duration(each * shape.steps)} in all'
      )
    for line in lines:
      self._say(line)
    if total > 3 * 3600 and jax.default_backend() == 'cpu':
      self._say(
        f'this is the full scale of the paper: {format_duration(total)} on '
        'this CPU; the variant :cpu of the same config takes about ten '
        'minutes (going on)'
      )

  def _check(self, name: str, report: loop.Report) -> None:
    """Stops at the first loss that is not finite."""
    found = [
      (int(step), seed, loss)
      for loss, steps in report.bad.items()
      for seed, step in enumerate(np.asarray(steps))
      if step >= 0
    ]
    if not found:
      return
    # Of what became bad at the same step, a loss says more than its gradient.
    step, seed, loss = min(found, key=lambda f: (f[0], 'grad_norm' in f[2]))
    saved = self.store.steps('last')
    kept = f'checkpoint last-{saved[-1]}' if saved else 'nothing was saved yet'
    raise Diverged(
      f'phase {name}, step {step}, seed {seed}: {loss} is not finite; the '
      f'last good state is {kept} in {self.workdir.checkpoints}. A lower '
      'learning rate may help'
    )

  # --- measures ------------------------------------------------------------

  def _eval_steps(self, name: str, phase: Phase) -> int:
    every = self.options.eval_every.get(name, 0)
    if phase.epochs:
      every *= loop.steps_per_epoch(phase, len(self.corpus.train))
    return every or max(1, phase.steps)

  def _first_samples(self, name: str, state: TrainState) -> None:
    """A few sentences early on: people want to see that it is text."""
    since = time.monotonic() - self._shown_at
    if self._samples_shown or since < FIRST_SAMPLES:
      return
    self._samples_shown = True
    one = member(state, 0)
    key = loop.use_key(one.key, one.step, loop.EVALUATE)
    text = self.corpus.text(self.evaluator.sample(one, key, 20))
    self.writer.samples(name, int(state.step), text)
    self._say_samples(name, state, text[:3])

  def _say_samples(self, name, state, text) -> None:
    self._say(f'samples of {name} at step {int(state.step)}:')
    for line in text:
      self._say(f'  {line or "(empty)"}')

  def _evaluate(self, name: str, state: TrainState, phase: Phase) -> None:
    """Measures on few samples while training."""
    values, texts = self.evaluator.measure(state, self.options.samples)
    self.writer.write(
      'eval', name, int(state.step), values | {'samples': self.options.samples}
    )
    self._keep_samples(name, state, texts)
    self._samples_shown = True
    self._say_samples(name, state, texts[0][:3])
    keys = [
      k
      for k in ('bleu4', 'self_bleu4', 'nll_oracle', 'jeffreys', 'nll_valid')
      if k in values
    ]
    self._say(
      '  '
      + ', '.join(f'{METRICS[k].label} {values[k].mean():.3f}' for k in keys)
    )
    if name == list(self.system.phases)[-1]:
      self._consider(state, values)

  def _keep_samples(self, name, state, texts) -> None:
    for seed, text in enumerate(texts):
      label = name if len(texts) == 1 else f'{name}-seed{seed}'
      self.writer.samples(label, int(state.step), text)

  def _best_measure(self) -> str:
    best = self.options.best
    if best == 'auto':
      if self.corpus.oracle is not None:
        return 'jeffreys'
      return 'nll_valid' if len(self.corpus.valid) else 'nll_train'
    if best not in METRICS or METRICS[best].better == 'real':
      raise UserError(
        f'eval.best={best!r} is no measure that has a best value; one of '
        + ', '.join(k for k, m in METRICS.items() if m.better != 'real')
      )
    return best

  def _consider(self, state: TrainState, values: dict) -> None:
    """Keeps the parameters of each seed whose measure is its best so far."""
    measure = self._best_measure()
    if measure not in values:
      raise UserError(
        f'eval.best={measure} is not measured on this corpus; one of '
        + ', '.join(values)
      )
    sign = -1 if METRICS[measure].better == 'higher' else 1
    now = [float(v) for v in values[measure]]
    step = int(state.step)
    if self._best_state is None:
      self._best_value = [sign * math.inf] * len(now)
      self._best_step = [step] * len(now)
      self._best_state = state
    better = np.array([sign * a < sign * b for a, b in zip(now, self._best_value)])
    if not better.any():
      return

    def choose(new, old):
      if jnp.issubdtype(new.dtype, jax.dtypes.prng_key):
        return new
      mask = better.reshape(-1, *[1] * (new.ndim - 1))
      return jnp.where(mask, new, old)

    self._best_state = TrainState(
      step=jnp.copy(state.step),
      key=jnp.copy(state.key),
      players=jax.tree.map(choose, state.players, self._best_state.players),
      memory=jax.tree.map(choose, state.memory, self._best_state.memory),
    )
    self._best_value = [
      a if b else c for a, b, c in zip(now, better, self._best_value)
    ]
    self._best_step = [
      step if b else s for b, s in zip(better, self._best_step)
    ]
    self.store.save(
      'best',
      step,
      self._best_state,
      {
        'measure': measure,
        'values': self._best_value,
        'steps': self._best_step,
      },
      keep=1,
    )

  def _row_file(self, name: str, step: int):
    return self.workdir.path / 'rows' / f'{name}-{step}.json'

  def _read_row(self, name: str, step: int) -> dict | None:
    path = self._row_file(name, step)
    try:
      return json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
      return None

  def _write_row(self, name: str, step: int, values: dict) -> dict:
    path = self._row_file(name, step)
    path.parent.mkdir(exist_ok=True)
    plain = {k: np.asarray(v).tolist() for k, v in values.items()}
    write_json(path, plain)
    return plain

  def _measure_phase(self, name: str, end: int, state: TrainState) -> None:
    """The full measures at the end of a phase, once."""
    if self._read_row(name, end) is not None:
      return
    if int(state.step) == end:
      self.store.save('phase', end, state, {'phase': name})
    else:
      saved = self.store.restore('phase', state, end)
      if saved is None:
        self._say(f'no checkpoint of the end of {name}: its row is left out')
        return
      state = saved.tree
    self._say(f'measuring {name} on {self.options.final_samples} samples')
    values, texts = self.evaluator.measure(state, self.options.final_samples)
    self.writer.write(
      'eval', name, end, values | {'samples': self.options.final_samples}
    )
    self._keep_samples(name, state, texts)
    self._say_samples(name, state, texts[0][:3])
    if name == list(self.system.phases)[-1]:
      self._consider(state, values)
    self._write_row(name, end, values)

  # --- results -------------------------------------------------------------

  def _finish(self, state: TrainState) -> list[table.Row]:
    """The rows of the table, and results.md."""
    rows = []
    for name, start in self.starts.items():
      end = start + self.system.phases[name].steps
      values = self._read_row(name, end)
      if values is not None:
        label = 'MLE' if name == 'pretrain' else f'{self.label}, last'
        rows.append(table.Row(label, _shown(values)))
    if len(self.system.phases) > 1:
      rows += self._extra_rows()
    n = self.options.final_samples
    real = self._read_row('real', 0)
    if real is None:
      real = self._write_row('real', 0, self.evaluator.real(n))
    truth = table.Row(
      'oracle' if self.corpus.pad is None else 'real text (train)',
      _shown(real),
    )
    protocol = {'hypotheses': n}
    if self.corpus.pad is not None:
      protocol |= {
        'references': len(self.corpus.test_words),
        'casing': 'lower' if self.corpus.codec.name == 'word' else 'as is',
        'tokeniser': self.corpus.codec.name,
        'smoothing': 'method1',
      }
    if self.corpus.record.get('stands_in'):
      protocol['corpus'] = self.corpus.record['stands_in']
    text = table.results(
      rows, truth, self._published_name(), protocol, self.options.published
    )
    write_text(self.workdir.path / 'results.md', text)
    return [*(table.mark_collapsed(row, truth) for row in rows), truth]

  def _published_name(self) -> str:
    if self.corpus.name == 'oracle':
      return f'synthetic{self.corpus.length}'
    return self.corpus.name

  def _extra_rows(self) -> list[table.Row]:
    """The best checkpoint, and MLE cooled to the same NLL_oracle."""
    rows = []
    n = self.options.final_samples
    last = list(self.system.phases)[-1]
    end = self.total
    if self._best_state is not None:
      values = self._read_row('best', end)
      if values is None:
        values, texts = self.evaluator.measure(self._best_state, n)
        values = self._write_row('best', end, values)
      note = (
        f'best by {self._best_measure()}, at step '
        + ', '.join(str(s - self.starts[last]) for s in self._best_step)
        + f' of {self.system.phases[last].steps}'
      )
      rows.append(table.Row(f'{self.label}, best', _shown(values), note))
    pretrained = self.store.restore('phase', self.shapes(), self.starts[last])
    trained = self._read_row(last, end)
    if self.corpus.oracle is None or pretrained is None or trained is None:
      return rows
    values = self._read_row('cooled', end)
    if values is None:
      found = []
      for seed, target in enumerate(trained['nll_oracle']):
        one = member(pretrained.tree, seed)
        heat = self.evaluator.matching_temperature(one, target)
        measures, _ = self.evaluator.measure_one(one, n, heat)
        found.append(measures | {'temperature': heat})
      values = self._write_row(
        'cooled', end, {k: [m[k] for m in found] for k in found[0]}
      )
    heats = ', '.join(f'{t:.2f}' for t in values['temperature'])
    rows.append(
      table.Row(
        'MLE, cooled',
        {
          k: v
          for k, v in _shown(values).items()
          if not k.startswith('nll_') or k == 'nll_oracle'
        },
        f'temperature {heats}, where its NLL_oracle is that of the last row '
        'of the system',
      )
    )
    return rows

  def shapes(self):
    return jax.eval_shape(
      lambda: loop.init_seeds(
        self.system.init, self.options.seed, self.options.num_seeds
      )
    )


def _shown(values: dict) -> dict:
  """The measures of a row that a table has a column for."""
  return {k: v for k, v in values.items() if k in METRICS}
