"""What a report shows besides the table."""

import types

from moegan_jax.data.codecs import get_codec
from moegan_jax.train import exhibits


def test_the_best_temperature_is_that_of_each_seed():
  heats = (0.5, 0.8, 1.0)
  points = {
    'jeffreys': [[3.0, 5.0], [2.0, 4.0], [2.5, 3.0]],
    'auc_train': [[0.5, 0.5], [0.6, 0.6], [0.9, 0.9]],
  }
  assert exhibits.best_temperatures(points, heats) == ('jeffreys', [0.8, 1.0])
  # Without a known distribution: a classifier; below .5 is only noise.
  points = {'auc_train': [[0.9], [0.48], [0.46]]}
  assert exhibits.best_temperatures(points, heats) == ('auc_train', [0.8])


def test_texts_show_neighbours_repeats_and_lengths():
  corpus = types.SimpleNamespace(
    train_words=[['a', 'cat', 'sat'], ['dogs', 'run']],
    valid_words=[['we', 'sleep']],
    test_words=[['a']],
    codec=get_codec('word'),
  )
  words = [['a', 'cat', 'ran'], [], ['we', 'sleep'], ['we', 'sleep']]
  shown = exhibits.texts(words, corpus)
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
