"""Best temperatures, curves and texts of a report."""

import types

import jax
import jax.numpy as jnp

from moegan_jax.data.codecs import get_codec
from moegan_jax.scoring import report_data
from moegan_jax.types import TrainState


def test_best_temperature_is_selected_per_seed():
  heats = (0.5, 0.8, 1.0)
  points = {
    'jeffreys': [[3.0, 5.0], [2.0, 4.0], [2.5, 3.0]],
    'auc_train': [[0.5, 0.5], [0.6, 0.6], [0.9, 0.9]],
  }
  assert report_data.best_temperatures(points, heats) == (
    'jeffreys',
    [0.8, 1.0],
  )
  # Without a known distribution a classifier selects; below .5 is noise.
  points = {'auc_train': [[0.9], [0.48], [0.46]]}
  assert report_data.best_temperatures(points, heats) == ('auc_train', [0.8])


def test_curve_contains_measures_known_at_all_temperatures():
  class Collapsed:  # too few distinct samples for a classifier if cold
    def point(self, state, n, heat):
      found = {'bleu2': heat, 'auc_train': 0.5}
      return {'bleu2': heat} if heat < 1 else found

  key = jax.random.split(jax.random.key(0), 2)
  state = TrainState(jnp.int32(0), key, {}, {})
  points = report_data.curve(Collapsed(), state, [0.5, 1.0], 3)
  assert points == {'bleu2': [[0.5, 0.5], [1.0, 1.0]]}


def test_texts_show_neighbours_repeats_and_lengths():
  corpus = types.SimpleNamespace(
    train_words=[['a', 'cat', 'sat'], ['dogs', 'run']],
    valid_words=[['we', 'sleep']],
    test_words=[['a']],
    codec=get_codec('word'),
  )
  words = [['a', 'cat', 'ran'], [], ['we', 'sleep'], ['we', 'sleep']]
  shown = report_data.texts(words, corpus)
  first = shown['pairs'][0]
  assert first['sample'] == 'a cat ran' and first['nearest'] == 'a cat sat'
  assert abs(first['distance'] - 1 / 3) < 1e-6
  assert shown['pairs'][1]['distance'] == 1
  assert shown['pairs'][2]['distance'] == 0
  assert shown['top'] == [['we sleep', 2]]
  assert shown['lengths'] == {
    'samples': [1, 0, 2, 1],
    'train': [0, 0, 2, 1],
    'test': [0, 1],
  }
