"""Marks of degenerate rows, and the best row of each measure."""

from fake_runs import REAL

from moegan_jax.report import emphasis, table
from moegan_jax.report.rows import Row


def test_copying_is_marked():
  row = emphasis.mark(Row('gan', {'copied': 0.4, 'nearest': 0.1}), REAL)
  assert row.label == 'gan (memorised)' and '0.4' in row.note
  same = Row('gan', {'copied': 0.002, 'nearest': 0.45})
  assert emphasis.mark(same, REAL) == same


def rows_of(**gan):
  mle = {'bleu4': 0.3, 'self_bleu4': 0.6, 'nll_train': 2.0, 'jeffreys': 4.0}
  return [
    Row('MLE', mle, key='start'),
    Row('gan', mle | gan, key='last'),
  ]


def test_the_best_of_a_column_is_emphasised():
  best, denied = emphasis.winners(rows_of(bleu4=0.4, jeffreys=3.0), REAL)
  assert best['bleu4'] == best['jeffreys'] == 1 and not denied
  assert best['nll_train'] == 0  # ties go to the first row
  assert 'self_bleu4' not in best  # it has no better side
  page = table.results(rows_of(bleu4=0.4), REAL, 'x', {})
  assert '| **0.400** |' in page


def test_quality_at_the_price_of_diversity_is_not_emphasised():
  rows = rows_of(bleu4=0.5, self_bleu4=0.72, jeffreys=4.5)
  best, denied = emphasis.winners(rows, REAL)
  assert 'bleu4' not in best and best['jeffreys'] == 0
  assert len(denied) == 1 and denied[0].startswith('gan leads in quality')
  page = table.results(rows, REAL, 'x', {})
  assert '**0.500**' not in page and denied[0] in page


def test_each_run_is_compared_with_its_own_mle():
  """The second of two runs has a worse MLE generator."""
  poor = {'bleu4': 0.2, 'self_bleu4': 0.7}
  second = [
    Row('MLE', poor, key='start'),
    Row('gan', {'bleu4': 0.5, 'self_bleu4': 0.7}, key='last'),
  ]
  best, denied = emphasis.winners([*rows_of(), *second], REAL)
  assert best['bleu4'] == 3 and not denied
