"""The final report of a run: results table, temperature curves and page."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from moegan_jax.files import write_text
from moegan_jax.metrics import METRICS
from moegan_jax.report import by_class, emphasis, html, table
from moegan_jax.report.rows import Row
from moegan_jax.scoring import report_data, table_rows
from moegan_jax.scoring.evaluation import Evaluator, select_seed
from moegan_jax.store import schema
from moegan_jax.store.best import Best
from moegan_jax.store.rows import Rows
from moegan_jax.store.workdir import Workdir
from moegan_jax.train.health import Health
from moegan_jax.train.stages import Stage, row_key
from moegan_jax.types import TrainState

# Columns on the terminal; results.md has all.
_SHOWN: tuple[str, ...]
_SHOWN = ('bleu2', 'bleu3', 'bleu4', 'bleu5', 'self_bleu4', 'nll_train')
_SHOWN += ('nll_test_token', 'nll_oracle', 'entropy', 'kl_pq', 'kl_qp')
_SHOWN += ('jeffreys', 'step_js', 'grammatical', 'valid_molecules')
_SHOWN += ('unique_molecules', 'novel_molecules', 'kmer_js6', 'lm_score')
_SHOWN += ('reverse_lm_score', 'frechet_lm', 'auc', 'ngram_js3')
_SHOWN += ('distinct_sentences', 'copied', 'nearest', 'class_accuracy')


class Finished(NamedTuple):
  """A run after its last stage.

  Attributes:
    settings: the section `eval`.
    workdir: the run folder.
    evaluator: measures the samples.
    rows: caches measured rows.
    best: the best checkpoint.
    health: the seeds that diverged.
    stages: all stages in order.
    state_at_end: stage -> its last state, or None if the checkpoint is lost.
    label: name of the system in tables.
    pretrained: whether the generator was trained by maximum likelihood before
      the last stage.
    benchmark: the benchmark whose published rows are comparable, or ''.
  """

  settings: Any
  workdir: Workdir
  evaluator: Evaluator
  rows: Rows
  best: Best
  health: Health
  stages: Sequence[Stage]
  state_at_end: Callable[[Stage], TrainState | None]
  label: str
  pretrained: bool
  benchmark: str

  @property
  def measured(self) -> dict[str, Stage]:
    """Key of a row -> the stage at whose end it is measured."""
    return {
      row_key(stage, self.stages): stage
      for stage in self.stages
      if stage.trains_generator
    }

  @property
  def last(self) -> tuple[str, Stage]:
    """The key and the stage of the last row of a stage."""
    return list(self.measured.items())[-1]

  def label_of(self, key: str) -> str:
    """Returns the label of the row of a stage."""
    if key == 'last':
      return f'{self.label}, last'
    stage = self.measured[key]
    trained = key != 'start' or self.pretrained
    return stage.label if trained else 'start'


def final_report(run: Finished, say: Callable[[str], None] = print) -> str:
  """Measures the remaining rows and writes the results and the report.

  Args:
    run: the run after its last stage.
    say: prints one line about what is measured next.

  Returns:
    The table of results as plain text. A line follows if no adversarial
    checkpoint is as good as the generator at the start.

  Raises:
    UserError: a file cannot be written.
  """
  folder, corpus, settings = run.workdir, run.evaluator.corpus, run.settings
  # Each step takes minutes at 10,000 samples, so print what is measured.
  if settings.curve_samples:
    say(f'measuring {len(settings.temperatures)} temperatures')
  curves = _curves(run)
  say('measuring the best checkpoint and each phase at its best temperature')
  ours = _rows(run, curves)
  say('measuring real text')
  real = _real(run)
  protocol = _protocol(run)
  page = table.results(
    ours, real, run.benchmark or corpus.name, protocol, bool(run.benchmark)
  )
  page = '\n'.join(filter(None, (page, by_class.markdown(ours, real))))
  write_text(folder.path / schema.RESULTS_TABLE, page)
  ends = {key: stage.end for key, stage in run.measured.items()}
  folder.write_json(
    schema.RESULTS,
    {
      'label': run.label,
      'corpus': corpus.name,
      'benchmark': run.benchmark,
      'stands_in': corpus.record.get('stands_in', ''),
      'seeds': len(run.best.values) or 1,
      'stages': {key: stage._asdict() for key, stage in run.measured.items()},
      'phases': {stage.name: stage.label for stage in run.stages},
      'protocol': protocol,
      'rows': [
        {
          'key': r.key,
          'label': r.label,
          'values': r.values,
          'note': r.note,
          'classes': r.classes,
        }
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
  rows = [emphasis.mark(one, real) for one in ours] + real
  present = {k for one in rows for k in one.values}
  columns = [k for k in METRICS if k in present and k in _SHOWN]
  warning = behind_start(ours, run.best.measure, ends)
  parts = [table.plain(rows, columns), by_class.plain(ours, real), warning]
  return '\n\n'.join(filter(None, parts))


def behind_start(
  rows: Sequence[Row], measure: str, ends: Mapping[str, int]
) -> str:
  """Compares the best adversarial checkpoint with the generator at the start.

  Args:
    rows: of a run. Without a row 'best', the last checkpoint is the best one.
    measure: the measure that picks the best checkpoint, averaged over seeds.
    ends: key of a row -> the step at which it is measured.

  Returns:
    A line if the start is better, or ''.
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
    f'adversarial training did not improve {table.heading(measure)}: '
    f'{before:.3f} at the start, {after:.3f} at the best adversarial '
    f'checkpoint; `sample --checkpoint {ends["start"]}` samples from the start'
  )


def _curves(run: Finished) -> dict[str, dict]:
  """Measures the curves of stages: key -> measure -> [temperatures][seeds]."""
  found, settings = {}, run.settings
  for key, stage in run.measured.items() if settings.curve_samples else ():
    trained = key != 'start' or run.pretrained
    state = run.state_at_end(stage) if trained else None
    if state is not None:
      found[key] = run.rows.once(
        f'curve_{key}',
        stage.end,
        functools.partial(_curve, run, state, stage.end),
      )
  return found


def _curve(run: Finished, state: TrainState, end: int) -> dict:
  """Measures the curve of a state at the step `end`."""
  settings = run.settings
  values = report_data.curve(
    run.evaluator, state, settings.temperatures, settings.curve_samples
  )
  return run.health.masked(values, end)


def _rows(run: Finished, curves: Mapping[str, dict]) -> list[Row]:
  """Builds the rows of stages, the best checkpoint and other temperatures."""
  n = run.settings.final_samples
  ours: list[Row] = []
  for key, stage in run.measured.items():
    values = run.rows.read(key, stage.end)
    if values is not None:
      note = run.health.said(stage.end)
      ours.append(table_rows.row(key, run.label_of(key), values, note))
  last, stage = run.last
  best = table_rows.best_row(
    run.rows, run.evaluator, run.best, run.label, stage.end, n
  )
  ours.extend([best] if best else [])
  ours.extend(_tempered(run, curves))
  start = run.measured.get('start')
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
  """Builds the rows of the last stage and the start at best temperatures.

  The temperature trades quality for diversity, so a comparison at one fixed
  temperature would depend on that temperature.
  """
  found = []
  for key, name, label in (
    ('last', 'tempered', f'{run.label}, last,'),
    ('start', 'start_tempered', None),
  ):
    points, stage = curves.get(key), run.measured.get(key)
    if points is None or stage is None:
      continue
    state = run.state_at_end(stage)
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
  """Builds the rows of real text under the same protocol.

  A corpus of ids has one row, of new sequences of its oracle.
  """
  evaluator, n = run.evaluator, run.settings.final_samples
  train = run.rows.once('real_train', n, lambda: evaluator.real(n))
  if evaluator.corpus.pad is None:
    return [table_rows.row('real_train', 'oracle', train)]
  test = run.rows.once('real_test', n, lambda: evaluator.real_test(n))
  return [
    table_rows.row('real_train', 'real train', train, _real_note(train)),
    table_rows.row('real_test', 'real test', test, _real_note(test)),
  ]


def _real_note(values: Mapping) -> str:
  """Explains why a row of real text has no Self-BLEU; '' if it has."""
  if 'self_bleu4' in values:
    return ''
  return (
    'no Self-BLEU: there are fewer sentences than samples, and Self-BLEU '
    'grows with their number'
  )


def _protocol(run: Finished) -> dict:
  """Returns how the values were computed; see `table.protocol_line`."""
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
  protocol['likelihood'] = f'on the first {n:,} lines of each part'
  if run.evaluator.draws:
    protocol['likelihood'] += (
      f', averaged over {run.evaluator.draws} draws of the latent noise (for '
      'samples, their own draws are included): NLL and both KL are upper '
      'bounds, entropy is a lower bound'
    )
  return protocol
