"""The rows of a run's table: measured once, kept as files, shown together."""

import json
from collections.abc import Callable

import numpy as np

from moegan_jax.metrics import METRICS
from moegan_jax.report import table
from moegan_jax.train.best import Best
from moegan_jax.train.evaluation import COLDEST, Evaluator, member
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


def row(label: str, values: dict, note: str = '') -> table.Row:
  """Measured values as a row: those that a table has a column for."""
  shown = {k: v for k, v in values.items() if k in METRICS}
  errors = {
    k: np.ravel(values[f'{k}_se']) for k in shown if f'{k}_se' in values
  }
  # One seed has no deviation; what it has is the error of its samples. Real
  # text measured against its own distribution has none.
  if any(e.size == 1 and e[0] for e in errors.values()):
    said = (f'{METRICS[k].label} {e[0]:.3f}' for k, e in errors.items())
    note = '; '.join(
      filter(None, (note, 'standard errors: ' + ', '.join(said)))
    )
  return table.Row(label, shown, note)


def best_row(
  rows: Rows, evaluator: Evaluator, best: Best, label: str, end: int, n: int
) -> table.Row | None:
  """The best checkpoint, where it is not the last one."""
  if best.state is None or set(best.steps) == {end}:
    return None
  values = rows.once('best', end, lambda: evaluator.measure(best.state, n)[0])
  steps = ', '.join(map(str, best.steps))
  side = METRICS[best.measure].better
  note = f'{side} {best.measure} is better; chosen at step {steps}'
  if 'test' in best.measure or best.measure.startswith('bleu'):
    note += '; CHOSEN ON THE TEST TEXT'
  return row(f'{label}, best', values, note)


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
  note = f"sampled at temperature {heats}, where its NLL_oracle is the system's"
  if max(values['temperature']) == 1:
    note = 'not cooled: its NLL_oracle is not above that of the system'
  elif min(values['temperature']) < COLDEST:
    note += '; the coldest that was tried, and not cold enough'
  return row('MLE, cooled', values, note)


def finish(
  workdir: Workdir,
  evaluator: Evaluator,
  ours: list[table.Row],
  n: int,
  published: str,
) -> str:
  """Writes results.md; the same table as plain text comes back.

  Args:
    published: the benchmark whose published rows are comparable, or ''
  """
  corpus = evaluator.corpus
  values = Rows(workdir).once('real', n, lambda: evaluator.real(n))
  text = corpus.pad is not None
  note = (
    ''
    if 'self_bleu4' in values or not text
    else (
      'no Self-BLEU: there are fewer sentences than samples, and it grows with '
      'their number'
    )
  )
  real = row('real text (train)' if text else 'oracle', values, note)
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
  protocol['likelihood'] = f'of the first {n:,} lines of each part'
  write_text(
    workdir.path / 'results.md',
    table.results(
      ours, real, published or corpus.name, protocol, bool(published)
    ),
  )
  marked = [*(table.mark_collapsed(one, real) for one in ours), real]
  present = {k for one in marked for k in one.values}
  columns = [k for k in METRICS if k in present and k not in _ASIDE]
  return table.plain(marked, columns)
