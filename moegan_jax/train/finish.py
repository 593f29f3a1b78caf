"""The end of a run: its table, its curves, and the report of both."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from moegan_jax.files import write_json, write_text
from moegan_jax.metrics import METRICS
from moegan_jax.report import emphasis, html, table
from moegan_jax.report.published import Row
from moegan_jax.train import exhibits, results
from moegan_jax.train.best import Best
from moegan_jax.train.evaluation import Evaluator, member
from moegan_jax.train.health import Health
from moegan_jax.train.workdir import Workdir
from moegan_jax.types import TrainState

# On the terminal, where columns are dear; results.md has all.
_SHOWN = ('bleu2', 'bleu3', 'bleu4', 'bleu5', 'self_bleu4', 'nll_train')
_SHOWN += ('nll_test_token', 'nll_oracle', 'entropy', 'kl_pq', 'kl_qp')
_SHOWN += ('jeffreys', 'step_js', 'grammatical', 'valid_molecules')
_SHOWN += ('unique_molecules', 'novel_molecules', 'kmer_js6', 'lm_score')
_SHOWN += ('reverse_lm_score', 'frechet_lm', 'auc', 'ngram_js3')
_SHOWN += ('distinct_sentences', 'copied', 'nearest')


class Trained(NamedTuple):
  """What there is when the last phase is over.

  health: which seeds have diverged
  ends: phase -> its last step
  state_at_end: phase -> the state, or None if its checkpoint is lost
  n: samples behind each row
  label: what the system is called
  pretrained: whether the phase 'pretrain', or another run, trained anything
  temperatures, curve_samples: of the curves; 0 samples for none
  benchmark: whose published rows are comparable, or ''
  """

  workdir: Workdir
  evaluator: Evaluator
  rows: results.Rows
  best: Best
  health: Health
  ends: Mapping[str, int]
  state_at_end: Callable[[str], TrainState | None]
  n: int
  label: str
  pretrained: bool
  temperatures: tuple[float, ...]
  curve_samples: int
  benchmark: str


def finish(run: Trained, say: Callable[[str], None] = print) -> str:
  """Measures what is left, and writes all that a reader wants to see.

  Returns:
    the table of results as plain text, and what it says of the game.
  """
  folder, corpus = run.workdir.path, run.evaluator.corpus
  # Each takes its minutes at 10,000 samples.
  if run.curve_samples:
    say(f'measuring {len(run.temperatures)} temperatures')
  curves = _curves(run)
  say('measuring the best checkpoint, and each phase at its best temperature')
  ours = _rows(run, curves)
  say('measuring real text')
  real = _real(run)
  protocol = _protocol(run)
  page = table.results(
    ours, real, run.benchmark or corpus.name, protocol, bool(run.benchmark)
  )
  write_text(folder / 'results.md', page)
  write_json(
    folder / 'results.json',
    {
      'label': run.label,
      'corpus': corpus.name,
      'benchmark': run.benchmark,
      'stands_in': corpus.record.get('stands_in', ''),
      'seeds': len(run.best.values) or 1,
      'ends': run.ends,
      'protocol': protocol,
      'rows': [
        {'key': r.key, 'label': r.label, 'values': r.values, 'note': r.note}
        for r in (*ours, *real)
      ],
    },
  )
  if curves:
    few = run.curve_samples
    real_few = run.rows.once('real_few', few, lambda: run.evaluator.real(few))
    write_json(
      folder / 'curves.json',
      {
        'samples': few,
        'temperatures': run.temperatures,
        'curves': curves,
        'real': real_few,
      },
    )
  last = list(run.ends)[-1]
  state = run.state_at_end(last)
  if state is not None and 'discriminator' in state.players:
    one = member(state, run.health.first)
    exhibits.write_features(folder / 'features.npz', run.evaluator, one)
  html.write(folder)
  shown = [emphasis.mark(one, real) for one in ours] + real
  present = {k for one in shown for k in one.values}
  columns = [k for k in METRICS if k in present and k in _SHOWN]
  said = behind_start(ours, run.best.measure, run.ends)
  return table.plain(shown, columns) + (f'\n\n{said}' if said else '')


def behind_start(
  rows: Sequence[Row], measure: str, ends: Mapping[str, int]
) -> str:
  """A line where no checkpoint of the game is as good as the MLE start, or ''.

  Args:
    rows: of a run; the best checkpoint is the last one where it has no row
    measure: that picks the best checkpoint; seeds count by their mean
    ends: phase -> its last step
  """
  values = {row.key: row.values.get(measure) for row in rows}
  start, last = values.get('pretrain'), values.get('adversarial')
  best = values.get('best', last)
  if last is None or start is None or best is None or not ends.get('pretrain'):
    return ''
  before, after = (float(np.nanmean(x)) for x in (start, best))
  gain = (
    after - before if METRICS[measure].better == 'higher' else before - after
  )
  if not gain < 0:
    return ''
  return (
    f'{table.heading(measure)} of the start is {before:.3f}, of the best '
    f'checkpoint of the game {after:.3f}: `sample --checkpoint '
    f'{ends["pretrain"]}` writes the text of the start'
  )


def _curves(run: Trained) -> dict[str, dict]:
  """Phase -> measure -> [temperatures][seeds], of the ends of the phases."""
  found = {}
  for name, end in run.ends.items() if run.curve_samples else ():
    trained = name != 'pretrain' or run.pretrained
    state = run.state_at_end(name) if trained else None
    if state is not None:
      found[name] = run.rows.once(
        f'curve_{name}',
        end,
        lambda state=state, end=end: run.health.masked(
          exhibits.curve(
            run.evaluator, state, run.temperatures, run.curve_samples
          ),
          end,
        ),
      )
  return found


def _rows(run: Trained, curves: Mapping[str, dict]) -> list[Row]:
  """One row a stage, and what temperature alone can do for it."""
  ours: list[Row] = []
  for name, end in run.ends.items():
    values = run.rows.read(name, end)
    if values is not None:
      start = 'MLE' if run.pretrained else 'start'
      label = start if name == 'pretrain' else f'{run.label}, last'
      ours.append(results.row(name, label, values, run.health.said(end)))
  last = list(run.ends)[-1]
  end = run.ends[last]
  best = results.best_row(
    run.rows, run.evaluator, run.best, run.label, end, run.n
  )
  ours.extend([best] if best else [])
  # A generator is a curve over temperatures: curves are compared at their best.
  for phase, key, label in (
    ('adversarial', 'tempered', f'{run.label}, last,'),
    ('pretrain', 'mle_best', 'MLE'),
  ):
    points = curves.get(phase, {})
    state = run.state_at_end(phase) if phase in curves else None
    if state is not None and any(name in points for name in exhibits.CHOOSERS):
      row = results.tempered_row(
        key,
        label,
        run.rows,
        run.evaluator,
        state,
        points,
        run.temperatures,
        run.ends[phase],
        run.n,
      )
      values = run.health.masked(row.values, run.ends[phase])
      ours.append(row._replace(values=values))
  pretrained = run.state_at_end('pretrain') if run.pretrained else None
  trained = run.rows.read(last, end)
  if pretrained is None or not trained or last == 'pretrain':
    return ours
  if 'nll_oracle' in trained:
    ours.append(
      results.cooled_row(
        run.rows, run.evaluator, pretrained, trained['nll_oracle'], end, run.n
      )
    )
  return ours


def _real(run: Trained) -> list[Row]:
  """Real text under the same protocol; the oracle itself where it is one."""
  evaluator, n = run.evaluator, run.n
  train = run.rows.once('real_train', n, lambda: evaluator.real(n))
  if evaluator.corpus.pad is None:
    return [results.row('real_train', 'oracle', train)]
  test = run.rows.once('real_test', n, lambda: evaluator.real_test(n))
  found = [
    results.row('real_train', 'real train', train, _fewer(train)),
    results.row('real_test', 'real test', test, _fewer(test)),
  ]
  return found


def _fewer(values: Mapping) -> str:
  if 'self_bleu4' in values:
    return ''
  return (
    'no Self-BLEU: there are fewer sentences than samples, and it grows with '
    'their number'
  )


def _protocol(run: Trained) -> dict:
  """How the numbers were made; see `table.protocol_line`."""
  corpus, n = run.evaluator.corpus, run.n
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
