"""Published rows: complete, with sources, in the right groups."""

import pytest

from moegan_jax.metrics import METRICS
from moegan_jax.report import published as lib

CORPORA = ('coco', 'emnlp', 'synthetic20', 'synthetic40')


@pytest.mark.parametrize('corpus', CORPORA)
def test_every_row_has_a_source_and_a_note(corpus):
  rows = lib.published(corpus)
  assert len(rows) > 8
  for row in rows:
    assert row.source and row.note and row.values, row
    assert set(row.values) <= {*METRICS, *lib.LABELS}
    for value in row.values.values():
      mean = value.mean if isinstance(value, lib.Spread) else value
      assert 0 < mean < 20


def find(corpus, label, group=''):
  rows = lib.published(corpus)
  return next(r for r in rows if r.label == label and r.group == group)


def test_some_numbers_as_printed():
  moegan = find('coco', 'MoEGAN').values
  assert moegan['bleu4'] == (0.814, 0.072)
  assert moegan['nll_gen'] == (0.639, 0.027)
  assert find('coco', 'LeakGAN').values['self_bleu4'] == 0.848
  assert 'nll_gen' not in find('coco', 'TextGAN').values
  assert find('emnlp', 'CCL').values['nll_gen'] == (2.818, 0.499)
  assert find('synthetic20', 'MLE').values['nll_oracle'] == 9.038
  assert find('synthetic40', 'MoEGAN').values['nll_gen'] == (7.46, 0.66)


def test_groups_of_incomparable_rows():
  on_train = find('coco', 'LeakGAN', 'BLEU against the training text').values
  assert on_train['bleu4'] == 0.66
  assert find('coco', 'RelGAN', 'human scores').values['human'] == (
    3.709,
    0.441,
  )
  assert find('coco', 'SLGAN', 'human scores').values == {'human': 4.16}
  cooled = find(
    'synthetic20', 'RL-GAN, temperature 1', lib.TEMPERATURE_CURVE
  ).values
  assert cooled == {'nll_oracle': 8.75, 'nll_test': 8.06}
  news = find('emnlp', 'CoT, temperature 1', lib.TEMPERATURE_CURVE).values
  assert news == {'lm_score': 4.682, 'reverse_lm_score': 4.39}


def test_larger_oracle_has_its_own_group():
  rows = lib.published('synthetic40')
  apart = [r for r in rows if r.group == '64-dimensional oracle']
  assert {r.label for r in apart} == {
    'real text', 'MLE', 'SeqGAN', 'RankGAN', 'LeakGAN'
  }  # fmt: skip
  assert all('64' not in r.note for r in rows if r not in apart)


def test_other_corpora_have_no_published_rows():
  assert lib.published('captions') == []
