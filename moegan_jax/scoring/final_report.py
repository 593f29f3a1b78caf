"""The end of a run: its table, its curves, and the report of both."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from moegan_jax.files import write_text
from moegan_jax.metrics import METRICS
from moegan_jax.report import emphasis, html, table
from moegan_jax.report.rows import Row
from moegan_jax.scoring import report_data, table_rows
from moegan_jax.scoring.evaluation import Evaluator, select_seed
from moegan_jax.store import schema
from moegan_jax.store.best import Best
from moegan_jax.store.rows import Rows
from moegan_jax.store.workdir import Workdir
from moegan_jax.train.health import Health
from moegan_jax.train.stages import Stage
from moegan_jax.types import TrainState

# On the terminal, where columns are dear; results.md has all.
_SHOWN = ('bleu2', 'bleu3', 'bleu4', 'bleu5', 'self_bleu4', 'nll_train')
_SHOWN += ('nll_test_token', 'nll_oracle', 'entropy', 'kl_pq', 'kl_qp')
_SHOWN += ('jeffreys', 'step_js', 'grammatical', 'valid_molecules')
_SHOWN += ('unique_molecules', 'novel_molecules', 'kmer_js6', 'lm_score')
_SHOWN += ('reverse_lm_score', 'frechet_lm', 'auc', 'ngram_js3')
_SHOWN += ('distinct_sentences', 'copied', 'nearest')


class Finished(NamedTuple):
  """A run after its last stage.

  settings: the section `eval`
  health: which seeds have diverged
  stages: key of a row -> the stage at whose end it is measured, in order
  state_at_end: stage -> the state, or None if its checkpoint is lost
  label: of the system in tables
  pretrained: whether likelihood trained the generator before the last stage
  benchmark: whose published rows are comparable, or ''
  """

  settings: Any
  workdir: Workdir
  evaluator: Evaluator
  rows: Rows
  best: Best
  health: Health
  stages: Mapping[str, Stage]
  state_at_end: Callable[[Stage], TrainState | None]
  label: str
  pretrained: bool
  benchmark: str

  @property
  def last(self) -> tuple[str, Stage]:
    """The key and the stage of the last row."""
    return list(self.stages.items())[-1]

  def label_of(self, key: str) -> str:
    """The label of a stage's row."""
    if key == 'last':
      return f'{self.label}, last'
    stage = self.stages[key]
    trained = key != 'start' or self.pretrained
    return stage.label if trained else 'start'


def final_report(run: Finished, say: Callable[[str], None] = print) -> str:
  """Measures what is left, and writes all that a reader wants to see.

  Returns:
    the table of results as plain text, and what it says of the game.
  """
  folder, corpus, settings = run.workdir, run.evaluator.corpus, run.settings
  # Each of these takes minutes at 10,000 samples.
  if settings.curve_samples:
    say(f'measuring {len(settings.temperatures)} temperatures')
  curves = _curves(run)
  say('measuring the best checkpoint, and each phase at its best temperature')
  ours = _rows(run, curves)
  say('measuring real text')
  real = _real(run)
  protocol = _protocol(run)
  page = table.results(
    ours, real, run.benchmark or corpus.name, protocol, bool(run.benchmark)
  )
  write_text(folder.path / schema.RESULTS_TABLE, page)
  ends = {key: stage.end for key, stage in run.stages.items()}
  folder.write_json(
    schema.RESULTS,
    {
      'label': run.label,
      'corpus': corpus.name,
      'benchmark': run.benchmark,
      'stands_in': corpus.record.get('stands_in', ''),
      'seeds': len(run.best.values) or 1,
      'stages': {key: stage._asdict() for key, stage in run.stages.items()},
      'protocol': protocol,
      'rows': [
        {'key': r.key, 'label': r.label, 'values': r.values, 'note': r.note}
        for r in (*ours, *real)
      ],
    },
  )
  if curves:
    few = settings.curve_samples
    real_few = run.rows.once('real_few', few, lambda: run.evaluator.real(few))
    folder.write_json(
      schema.CURVES,
      {
        'samples': few,
        'temperatures': settings.temperatures,
        'curves': curves,
        'real': real_few,
      },
    )
  state = run.state_at_end(run.last[1])
  if state is not None and 'discriminator' in state.players:
    one = select_seed(state, run.health.first)
    path = folder.path / schema.FEATURES
    report_data.write_features(path, run.evaluator, one)
  html.write(folder.path)
  shown = [emphasis.mark(one, real) for one in ours] + real
  present = {k for one in shown for k in one.values}
  columns = [k for k in METRICS if k in present and k in _SHOWN]
  said = behind_start(ours, run.best.measure, ends)
  return table.plain(shown, columns) + (f'\n\n{said}' if said else '')


def behind_start(
  rows: Sequence[Row], measure: str, ends: Mapping[str, int]
) -> str:
  """A line if no adversarial checkpoint is as good as the start, or ''.

  Args:
    rows: of a run; without a row 'best' the last checkpoint is the best one
    measure: that picks the best checkpoint; seeds count by their mean
    ends: key of a row -> the step at which it is measured
  """
  values = {row.key: row.values.get(measure) for row in rows}
  start, last = values.get('start'), values.get('last')
  best = values.get('best', last)
  if last is None or start is None or best is None or not ends.get('start'):
    return ''
  before, after = (float(np.nanmean(x)) for x in (start, best))
  gain = (
    after - before if METRICS[measure].better == 'higher' else before - after
  )
  if not gain < 0:
    return ''
  return (
    f'{table.heading(measure)} of the start is {before:.3f}, of the best '
    f'adversarial checkpoint {after:.3f}: `sample --checkpoint '
    f'{ends["start"]}` writes the text of the start'
  )


def _curves(run: Finished) -> dict[str, dict]:
  """Key -> measure -> [temperatures][seeds], of the ends of stages."""
  found, settings = {}, run.settings
  for key, stage in run.stages.items() if settings.curve_samples else ():
    trained = key != 'start' or run.pretrained
    state = run.state_at_end(stage) if trained else None
    if state is not None:
      found[key] = run.rows.once(
        f'curve_{key}',
        stage.end,
        lambda state=state, end=stage.end: run.health.masked(
          report_data.curve(
            run.evaluator,
            state,
            settings.temperatures,
            settings.curve_samples,
          ),
          end,
        ),
      )
  return found


def _rows(run: Finished, curves: Mapping[str, dict]) -> list[Row]:
  """A row per stage, the best checkpoint, and rows at other temperatures."""
  n = run.settings.final_samples
  ours: list[Row] = []
  for key, stage in run.stages.items():
    values = run.rows.read(key, stage.end)
    if values is not None:
      said = run.health.said(stage.end)
      ours.append(table_rows.row(key, run.label_of(key), values, said))
  last, stage = run.last
  best = table_rows.best_row(
    run.rows, run.evaluator, run.best, run.label, stage.end, n
  )
  ours.extend([best] if best else [])
  ours.extend(_tempered(run, curves))
  start = run.stages.get('start')
  pretrained = run.state_at_end(start) if start and run.pretrained else None
  trained = run.rows.read(last, stage.end)
  if pretrained is None or not trained or last == 'start':
    return ours
  if 'nll_oracle' in trained:
    ours.append(
      table_rows.cooled_row(
        run.rows,
        run.evaluator,
        pretrained,
        trained['nll_oracle'],
        stage.end,
        n,
      )
    )
  return ours


def _tempered(run: Finished, curves: Mapping[str, dict]) -> list[Row]:
  """The last stage and the start, each at its best temperature.

  A generator is a curve over temperatures, so generators are compared at their
  best ones.
  """
  found = []
  for key, name, label in (
    ('last', 'tempered', f'{run.label}, last,'),
    ('start', 'start_tempered', None),
  ):
    points, stage = curves.get(key, {}), run.stages.get(key)
    state = run.state_at_end(stage) if key in curves else None
    if state is None or not any(c in points for c in report_data.CHOOSERS):
      continue
    row = table_rows.tempered_row(
      name,
      label or run.label_of(key),
      run.rows,
      run.evaluator,
      state,
      points,
      run.settings.temperatures,
      stage.end,
      run.settings.final_samples,
    )
    values = run.health.masked(row.values, stage.end)
    found.append(row._replace(values=values))
  return found


def _real(run: Finished) -> list[Row]:
  """Real text under the same protocol; the oracle itself where it is one."""
  evaluator, n = run.evaluator, run.settings.final_samples
  train = run.rows.once('real_train', n, lambda: evaluator.real(n))
  if evaluator.corpus.pad is None:
    return [table_rows.row('real_train', 'oracle', train)]
  test = run.rows.once('real_test', n, lambda: evaluator.real_test(n))
  found = [
    table_rows.row('real_train', 'real train', train, _fewer(train)),
    table_rows.row('real_test', 'real test', test, _fewer(test)),
  ]
  return found


def _fewer(values: Mapping) -> str:
  if 'self_bleu4' in values:
    return ''
  return (
    'no Self-BLEU: there are fewer sentences than samples, and it grows with '
    'their number'
  )


def _protocol(run: Finished) -> dict:
  """How the numbers were made; see `table.protocol_line`."""
  corpus, n = run.evaluator.corpus, run.settings.final_samples
  protocol = {'hypotheses': n}
  if corpus.pad is not None:
    protocol |= {
      'references': len(corpus.test_words),
      'casing': 'lower' if corpus.codec.name == 'word' else 'as is',
      'tokeniser': corpus.codec.name,
      'smoothing': 'method1',
    }
  if corpus.record.get('stands_in'):
    protocol['corpus'] = corpus.record['stands_in']
  protocol['likelihood'] = f'of the first {n:,} lines of each part'
  if run.evaluator.draws:
    protocol['likelihood'] += (
      f', a mean over {run.evaluator.draws} draws of the latent noise (and of '
      'samples their own): NLL and both KL are upper bounds, entropy is a '
      'lower one'
    )
  return protocol
