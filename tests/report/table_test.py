"""Tables: cells, alignment, notes, and the results page."""

import numpy as np
from fake_runs import REAL

from moegan_jax.metrics import METRICS
from moegan_jax.report import table
from moegan_jax.report.table import Row, Spread

PROTOCOL = {
  'hypotheses': 10000,
  'references': 9984,
  'casing': 'lower',
  'tokeniser': 'NLTK word tokens',
  'smoothing': 'method1',
}


def test_cells():
  assert table.cell(None) == '-'
  assert table.cell(0.30542) == '0.305'
  assert table.cell(np.array([0.5])) == '0.500'
  assert table.cell([1.0, 2.0, 3.0]) == '2.000 ± 1.000'
  assert table.cell(Spread(0.5, 0.03)) == '0.500 ± 0.030'
  assert table.cell(float('nan')) == 'nan'


def test_markdown():
  rows = [
    Row('mle', {'kl_pq': 1.5, 'bleu2': 0.5}, 'a note'),
    Row('moegan', {'bleu2': [0.25, 0.75]}, 'a note', 'a paper'),
    Row('nothing to show', {}, 'a note'),
  ]
  assert table.markdown(rows) == (
    '|  | BLEU-2 | KL(p\\|\\|q) |\n'
    '| --- | ---: | ---: |\n'
    '| mle [1] | 0.500 | 1.500 |\n'
    '| moegan [2] | 0.500 ± 0.354 | - |\n'
    '\n'
    '* [1] a note\n'
    '* [2] a paper: a note\n'
  )
  assert 'KL' not in table.markdown(rows, ['bleu2'])


def test_plain_is_aligned():
  rows = [Row('a', {'bleu2': 0.5}), Row('long', {'bleu2': [0.0, 1.0]})]
  assert table.plain(rows) == (
    '             BLEU-2\na             0.500\nlong  0.500 ± 0.707'
  )


def test_plain_fits_a_terminal():
  values = {key: [0.5, 0.25] for key in METRICS}
  text = table.plain([Row('after MLE', values), Row('real text', values)])
  assert max(map(len, text.splitlines())) <= 100
  for metric in METRICS.values():
    assert metric.label in text
  few = {
    f'{kind}{n}': 0.5 for kind in ('bleu', 'self_bleu') for n in range(2, 6)
  }
  few['distinct_sentences'] = 0.5
  blocks = table.plain([Row('mle', few)]).split('\n\n')
  assert len(blocks) == 1
  wide = {key: [0.5, 0.25] for key in few}
  quality, rest = table.plain([Row('after MLE', wide)]).split('\n\n', 1)
  assert 'BLEU-5' in quality and 'Self' not in quality
  assert 'distinct' in rest


def test_results_mark_collapse_and_separate_groups():
  ours = [
    Row('mle', {'self_bleu4': [0.6, 0.6], 'distinct_sentences': [1, 1]}),
    Row(
      'gan', {'self_bleu4': [0.6, 0.9], 'distinct_sentences': [1, 1]}, 'last'
    ),
  ]
  page = table.results(ours, REAL, 'synthetic40', PROTOCOL)
  assert 'hypotheses 10,000, references 9,984, casing lower' in page
  assert '| mle | 0.600 ± 0.000' in page
  assert '| gan (collapsed) [1] | 0.750' in page
  assert 'last; collapsed: Self-BLEU-4 0.900' in page
  assert '(in 1 of 2 seeds)' in page
  assert '* distinct: share of sentences that differ' in page
  main, apart = page.split('### Not in this ranking: 64-dimensional oracle')
  assert '10.411' not in main and '10.411' in apart
  assert 'MoEGAN paper, Table 5' in main


def test_results_without_published_rows():
  row = Row('mle', {'bleu2': 0.5})
  for page in (
    table.results([row], [], 'coco', {}, published_rows=False),
    table.results([row], [], 'captions', {}),
  ):
    assert 'Published' not in page
    assert 'casing not stated' in page


def test_a_synthetic_corpus_has_no_casing():
  row = Row('mle', {'nll_oracle': [9.0, 9.1], 'kl_pq': [1.0, 2.0]})
  page = table.results([row], [], 'synthetic20', {'samples': 2000})
  assert 'Protocol: samples 2,000. ±' in page
  assert '* KL(p||q): oracle to model: missed modes; lower is better' in page


def test_one_seed_has_standard_errors_and_several_a_deviation():
  values = {'jeffreys': [4.0], 'jeffreys_se': [0.01]}
  assert 'standard errors: Jeffreys 0.010' in table.full_note(
    Row('mle', values)
  )
  both = {'jeffreys': [4.0, 4.2], 'jeffreys_se': [0.01, 0.01]}
  assert table.full_note(Row('mle', both, 'a note')) == 'a note'
  assert 'se' not in table.markdown([Row('mle', values)]).split('\n')[0]
