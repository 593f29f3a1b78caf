"""Measures that may select the best checkpoint."""

import types

import numpy as np
import pytest

from moegan_jax.errors import UserError
from moegan_jax.scoring.selection import measure_of


def corpus(valid=5, oracle=None, pad=0):
  rows = np.zeros((5, 3), np.int32)
  words = [['a']] * 5
  return types.SimpleNamespace(
    train=rows,
    valid=rows[:valid],
    test=rows,
    valid_words=words[:valid],
    test_words=words,
    oracle=oracle,
    pad=pad,
  )


@pytest.mark.parametrize(
  'name, selection, kwargs, expected',
  [
    ('auto', 'validation', {}, 'nll_valid'),
    ('auto', 'validation', {'valid': 0}, 'nll_train'),
    ('auto', 'validation', {'oracle': 'one'}, 'jeffreys'),
    ('auto', 'test', {}, 'bleu4'),
    ('auto', 'test', {'oracle': 'one'}, 'jeffreys'),
    ('bleu4', 'validation', {}, 'bleu4_valid'),
    ('bleu4', 'test', {}, 'bleu4'),
    ('nll_valid', 'validation', {}, 'nll_valid'),
    ('nll_test', 'test', {}, 'nll_test'),
    ('nll_oracle', 'validation', {'oracle': 'one'}, 'nll_oracle'),
    ('nll_sum_train', 'validation', {'oracle': 'one'}, 'nll_sum_train'),
  ],
)
def test_measure_that_selects_checkpoints(name, selection, kwargs, expected):
  assert measure_of(name, selection, corpus(**kwargs)) == expected


@pytest.mark.parametrize(
  'name, selection, kwargs, said',
  [
    ('nll_test', 'validation', {}, 'eval.selection=test'),
    ('nll_test_token', 'validation', {}, 'eval.selection=test'),
    ('nll_sum', 'validation', {'oracle': 'one'}, 'eval.selection=test'),
    ('bleu4', 'validation', {'valid': 0}, 'not measured'),
    ('bleu4', 'test', {'pad': None}, 'not measured'),
    ('jeffreys', 'validation', {}, 'not measured'),
    ('auc', 'test', {'oracle': 'one'}, 'not measured'),
    ('self_bleu4', 'test', {}, 'not a measure with a best value'),
    ('auto', 'tests', {}, "did you mean 'test'"),
  ],
)
def test_measures_that_may_not_select(name, selection, kwargs, said):
  with pytest.raises(UserError, match=said):
    measure_of(name, selection, corpus(**kwargs))
