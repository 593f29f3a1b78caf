"""The rows of a run's table: measured once, kept as files, shown together."""

import json
from collections.abc import Callable

import numpy as np

from moegan_jax.metrics import METRICS
from moegan_jax.report import table
from moegan_jax.train.best import Best
from moegan_jax.train.evaluation import Evaluator, member
from moegan_jax.train.workdir import Workdir, write_json, write_text
from moegan_jax.types import TrainState

# Left out on the terminal, where columns are dear; results.md has them.
_ASIDE = ('nll_valid', 'nll_valid_token', 'nll_train_token', 'nll_test')


class Rows:
  """Measured rows, one JSON file each: name -> [seeds]."""

  def __init__(self, workdir: Workdir):
    self._folder = workdir.path / 'rows'

  def read(self, name: str, step: int) -> dict | None:
    """The row of a name at a step; None if it is not measured (or torn)."""
    try:
      text = (self._folder / f'{name}-{step}.json').read_text(encoding='utf-8')
      return json.loads(text)
    except (OSError, ValueError):
      return None

  def write(self, name: str, step: int, values: dict) -> dict:
    self._folder.mkdir(exist_ok=True)
    plain = {k: np.asarray(v).tolist() for k, v in values.items()}
    write_json(self._folder / f'{name}-{step}.json', plain)
    return plain

  def once(self, name: str, step: int, measure: Callable[[], dict]) -> dict:
    """The row, measured if it is not there yet."""
    values = self.read(name, step)
    return self.write(name, step, measure()) if values is None else values


def _row(label: str, values: dict, note: str = '') -> table.Row:
  shown = {k: v for k, v in values.items() if k in METRICS}
  return table.Row(label, shown, note)


def best_row(
  rows: Rows, evaluator: Evaluator, best: Best, label: str, end: int, n: int
) -> table.Row | None:
  """The best checkpoint, where it is not the last one."""
  if best.state is None or set(best.steps) == {end}:
    return None
  values = rows.once('best', end, lambda: evaluator.measure(best.state, n)[0])
  steps = ', '.join(map(str, best.steps))
  return _row(
    f'{label}, best', values, f'lowest or highest {best.measure}, step {steps}'
  )


def cooled_row(
  rows: Rows,
  evaluator: Evaluator,
  pretrained: TrainState,
  target: list[float],
  end: int,
  n: int,
) -> table.Row:
  """The MLE generator at the temperature where its NLL_oracle is the target.

  What a system gains on NLL_oracle alone, cooling gives for nothing.
  """

  def measure() -> dict:
    found = []
    for seed, value in enumerate(target):
      one = member(pretrained, seed)
      heat = evaluator.matching_temperature(one, value)
      measures, _ = evaluator.measure_one(one, n, heat)
      found.append(measures | {'temperature': heat})
    return {k: [m[k] for m in found] for k in found[0]}

  values = rows.once('cooled', end, measure)
  heats = ', '.join(f'{t:.2f}' for t in values['temperature'])
  return _row(
    'MLE, cooled',
    values,
    f'sampled at temperature {heats}, chosen to reach '
    'the NLL_oracle of the system',
  )


def finish(
  workdir: Workdir,
  evaluator: Evaluator,
  ours: list[table.Row],
  n: int,
  published: bool,
) -> str:
  """Writes results.md; the same table as plain text comes back."""
  corpus = evaluator.corpus
  values = Rows(workdir).once('real', n, lambda: evaluator.real(n))
  text = corpus.pad is not None
  real = _row('real text (train)' if text else 'oracle', values)
  protocol = {'hypotheses': n}
  if text:
    protocol |= {
      'references': len(corpus.test_words),
      'casing': 'lower' if corpus.codec.name == 'word' else 'as is',
      'tokeniser': corpus.codec.name,
      'smoothing': 'method1',
    }
  if corpus.record.get('stands_in'):
    protocol['corpus'] = corpus.record['stands_in']
  name = corpus.name if text else f'synthetic{corpus.length}'
  write_text(
    workdir.path / 'results.md',
    table.results(ours, real, name, protocol, published),
  )
  marked = [*(table.mark_collapsed(row, real) for row in ours), real]
  present = {k for row in marked for k in row.values}
  columns = [k for k in METRICS if k in present and k not in _ASIDE]
  return table.plain(marked, columns)


def phase_row(label: str, values: dict) -> table.Row:
  """The row of a finished phase."""
  return _row(label, values)
