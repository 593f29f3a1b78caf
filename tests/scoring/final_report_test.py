"""Final warnings about the adversarial phase."""

import numpy as np
import pytest

from moegan_jax.report.rows import Row
from moegan_jax.scoring.final_report import behind_start

ENDS = {'start': 40, 'last': 60}


def rows(measure, **values):
  return [Row(key, {measure: value}, key=key) for key, value in values.items()]


@pytest.mark.parametrize(
  'measure, values, words',
  [
    ('jeffreys', {'start': 2.0, 'last': 3.0, 'best': 1.9}, ''),
    ('jeffreys', {'start': 2.0, 'last': 2.0}, ''),
    ('jeffreys', {'start': 2.0, 'last': 2.5}, '2.000 2.500 40'),
    (
      'jeffreys',
      {'start': [2.0, 2.2], 'last': [4, 4], 'best': [2.1, 2.5]},
      'Jeffreys 2.100 2.300',
    ),
    # A diverged seed has no measure.
    ('jeffreys', {'start': [2, 2], 'last': [1, np.nan]}, ''),
    ('bleu4', {'start': 0.3, 'last': 0.4}, ''),
    ('bleu4', {'start': 0.3, 'last': 0.2}, 'BLEU-4 0.300 0.200'),
    ('jeffreys', {'start': 2.0}, ''),
    ('jeffreys', {'last': 2.0}, ''),
    ('jeffreys', {'start': 2.0, 'best': 2.1}, ''),  # no adversarial phase
  ],
)
def test_game_worse_than_its_start_is_reported(measure, values, words):
  said = behind_start(rows(measure, **values), measure, ENDS)
  assert bool(said) == bool(words)
  for word in words.split():
    assert word in said


def test_phase_without_steps_has_no_checkpoint():
  found = rows('jeffreys', start=2.0, last=3.0)
  assert not behind_start(found, 'jeffreys', ENDS | {'start': 0})
