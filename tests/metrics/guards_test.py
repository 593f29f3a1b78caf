"""Guards: collapse, memorisation, and less diversity than MLE."""

import random

import pytest

from moegan_jax.metrics import METRICS, Texts, guards, text_measures
from moegan_jax.metrics.measure import AT_TEST, AT_TRAIN

REAL = {'self_bleu4': 0.6, 'distinct_sentences': 0.98}
MLE = {
  'self_bleu4': 0.58,
  'distinct_sentences': 0.99,
  'auc': 0.7,
  'ngram_js3': 0.5,
  'jeffreys': 4.0,
  'nll_test_token': 3.0,
}


def test_collapse_by_repetition():
  assert not guards.collapsed({'distinct_sentences': 0.9}, None)
  reason = guards.collapsed({'distinct_sentences': 0.707}, None)
  assert reason == 'distinct sentences 0.707 < 0.9'
  # Real text such as a log repeats sentences, too.
  real = {'distinct_sentences': 0.75}
  assert not guards.collapsed({'distinct_sentences': 0.7}, real)
  reason = guards.collapsed({'distinct_sentences': 0.6}, real)
  assert reason == 'distinct sentences 0.600 < 0.9 x 0.750 of real text'


def test_collapse_by_self_bleu():
  real = {'self_bleu4': 0.5}
  assert not guards.collapsed({'self_bleu4': 0.64}, real)
  assert '0.660 > 0.500' in guards.collapsed({'self_bleu4': 0.66}, real)
  assert not guards.collapsed({'self_bleu4': 0.99}, None)
  assert not guards.collapsed({'nll_test': 1.0}, real)


def test_memorised_by_copies():
  real = {'copied': 0.3, 'nearest': 0.2}
  assert not guards.memorised({'copied': 0.34}, real)
  reason = guards.memorised({'copied': 0.36}, real)
  assert reason == 'copied sentences 0.360 > 0.300 of held-out text + 0.05'
  assert not guards.memorised({'copied': 0.36}, None)
  assert guards.memorised({'copied': 0.51}, None)
  assert guards.memorised({'copied': 0.51}, {'nearest': 0.2})


def test_memorised_by_distance():
  real = {'copied': 0.0, 'nearest': 0.5}
  assert not guards.memorised({'copied': 0.0, 'nearest': 0.26}, real)
  reason = guards.memorised({'copied': 0.0, 'nearest': 0.24}, real)
  assert '0.240 < 0.5 x 0.500' in reason
  assert not guards.memorised({'nearest': 0.0}, None)
  # Held-out text that is in the training text gives no evidence.
  known = {'copied': 1.0, 'nearest': 0.0}
  assert not guards.memorised(known, known)


def test_marks_fall_back_to_held_out_text():
  measures = {'self_bleu4': 0.9, 'copied': 0.9}
  marks = guards.marks(measures, {'self_bleu4': 0.5}, {'copied': 0.0})
  assert [m.partition(':')[0] for m in marks] == ['collapsed', 'memorised']
  assert '0.900 > 0.500' in marks[0] and '0.900 > 0.000' in marks[1]
  (mark,) = guards.marks({'self_bleu4': 0.9}, {}, {'self_bleu4': 0.6})
  assert '0.900 > 0.600' in mark
  # Training text takes precedence: here it repeats sentences.
  train, held_out = {'distinct_sentences': 0.8}, {'distinct_sentences': 1.0}
  assert guards.marks({'distinct_sentences': 0.75}, train, held_out) == []
  assert guards.marks({}) == guards.marks(MLE, REAL, REAL) == []


def test_mle_is_not_worse_than_itself():
  assert guards.worse_than_mle(MLE, MLE, REAL) == ''
  assert guards.worse_than_mle(MLE, MLE, None) == ''
  assert guards.worse_than_mle({}, MLE, REAL) == ''
  assert guards.worse_than_mle(MLE, {}, REAL) == ''


@pytest.mark.parametrize('key', guards._WATCHED)
def test_every_watched_measure_can_reject(key):
  watched = guards._WATCHED[key]
  assert METRICS[key].label
  worse = {**MLE, key: MLE[key] + watched.side * 0.2}
  reason = guards.worse_than_mle(worse, MLE, REAL)
  assert f'{worse[key]:.3f}' in reason and f'{MLE[key]:.3f} of MLE' in reason
  better = {**MLE, key: MLE[key] - watched.side * 0.2}
  assert guards.worse_than_mle(better, MLE, REAL) == ''
  close = {**MLE, key: MLE[key] + watched.side * 0.9 * watched.margin}
  assert guards.worse_than_mle(close, MLE, None) == ''


def test_worse_only_on_the_side_of_less_variety():
  def reason(self_bleu, real):
    return guards.worse_than_mle({'self_bleu4': self_bleu}, MLE, real)

  assert reason(0.605, REAL) == ''  # above MLE, within the margin of real text
  assert reason(0.615, REAL) == 'Self-BLEU-4 0.615 > 0.580 of MLE'
  assert reason(0.605, None) == 'Self-BLEU-4 0.605 > 0.580 of MLE'
  assert reason(0.30, REAL) == ''
  collapsed_mle = {'self_bleu4': 0.8}
  assert not guards.worse_than_mle({'self_bleu4': 0.7}, collapsed_mle, REAL)


def test_differences_within_noise_are_no_reason():
  ours, mle = {'jeffreys': 4.3}, {'jeffreys': 4.0}
  assert guards.worse_than_mle(ours, mle, None)
  errors = {'jeffreys_se': 0.12}
  assert not guards.worse_than_mle(ours | errors, mle | errors, None)
  # Both are below one half: neither differs from real text.
  assert not guards.worse_than_mle({'auc': 0.49}, {'auc': 0.46}, None)


def test_all_reasons_are_given():
  cold = {**MLE, 'self_bleu4': 0.7, 'distinct_sentences': 0.95}
  reason = guards.worse_than_mle(cold, MLE, REAL)
  assert reason == (
    'Self-BLEU-4 0.700 > 0.580 of MLE, distinct sentences 0.950 < 0.990 of MLE'
  )


@pytest.fixture(scope='module')
def measured(benchmark_files):
  codecs = pytest.importorskip('moegan_jax.data.codecs')
  split = codecs.CODECS['word'].split

  def read(name, every=4):
    lines = (benchmark_files / name).read_text('utf-8').splitlines()
    return [split(line.strip().lower()) for line in lines[::every]]

  train = read('image_coco.txt', every=1)
  samples = {
    'test': read('test_coco.txt'),
    'train': train[::4],
    'mle': read('samples_mle.txt'),
    'leakgan': read('samples_leakgan.txt'),
  }
  names = ('self_bleu', 'diversity', 'novelty')
  return {
    name: text_measures(Texts(text, train=train), names)
    for name, text in samples.items()
  }


def test_marks_of_published_samples(measured):
  def marks(name):
    found = guards.marks(measured[name], measured['train'], measured['test'])
    return [mark.partition(':')[0] for mark in found]

  assert marks('test') == []
  assert marks('mle') == []
  assert marks('leakgan') == ['collapsed']
  assert marks('train') == ['memorised']


def test_less_varied_than_published_mle(measured):
  reason = guards.worse_than_mle(
    measured['leakgan'], measured['mle'], measured['test']
  )
  assert 'Self-BLEU-4 0.734 > 0.450' in reason
  assert 'distinct sentences 0.806 < 0.999' in reason


# --- equal numbers of sentences -----------------------------------------------


def names(count, of=200, seed=0):
  """Returns independent draws from `of` equally likely sentences."""
  rng = random.Random(seed)
  return [[f'n{rng.randrange(of)}', 'a', 'b', 'c'] for _ in range(count)]


def row(sentences, suffix='', size=0):
  """Returns measures of sentences, also at `size` for the guards."""
  found = text_measures(Texts(sentences), ('self_bleu', 'diversity'))
  return found | (guards.of_size(sentences, size, suffix) if suffix else {})


def test_more_samples_than_real_text_are_compared_at_equal_size():
  """1,000 draws and 100 draws of one distribution do not differ."""
  samples, real = names(1000), names(100, seed=1)
  ours = row(samples, AT_TRAIN, 100)
  theirs = row(real, AT_TRAIN, 100)
  assert ours['distinct_sentences'] < 0.25 < theirs['distinct_sentences']
  assert ours['distinct_sentences_at_train'] == pytest.approx(
    theirs['distinct_sentences'], abs=0.1
  )
  assert guards.marks(ours, theirs) == []
  assert (
    guards.marks(ours, None, {}) != []
  )  # without real text the limit is 0.9
  # Held-out text replaces training text that is missing.
  test = {k.replace(AT_TRAIN, AT_TEST): v for k, v in theirs.items()}
  at_test = row(samples, AT_TEST, 100)
  assert guards.marks(at_test, None, test) == []


def test_collapse_is_found_at_equal_size():
  real = names(100, of=10**6, seed=1)
  (mark,) = guards.marks(
    row(names(1000, of=5), AT_TRAIN, 100), row(real, AT_TRAIN, 100)
  )
  reason = 'distinct sentences 0.050 < 0.9, of equal numbers of sentences'
  assert mark == f'collapsed: {reason}'


def test_self_bleu_is_compared_at_equal_size():
  """Self-BLEU rises with the number of sentences of the same text."""
  rng = random.Random(0)
  text = [
    [f'w{int(rng.random() ** 3 * 60)}' for _ in range(8)] for _ in '.' * 2000
  ]
  samples, real = text[:1500], text[1500:1550]
  ours = row(samples, AT_TEST, 50)
  theirs = {
    k: v
    for k, v in row(real, AT_TEST, 50).items()
    if not k.startswith('self_bleu') or k.endswith(AT_TEST)
  }
  assert ours['self_bleu4'] > theirs['self_bleu4_at_test'] + guards.MAX_EXCESS
  assert guards.marks(ours, None, theirs) == []


def test_a_winner_is_compared_with_real_text_at_equal_size():
  real = {'distinct_sentences': 0.9, 'distinct_sentences_at_test': 0.9}
  ours = {'distinct_sentences': 0.30, 'distinct_sentences_at_test': 0.91}
  mle = {'distinct_sentences': 0.35, 'distinct_sentences_at_test': 0.95}
  assert guards.worse_than_mle(ours, mle, real) == ''
  ours['distinct_sentences_at_test'] = 0.8
  reason = guards.worse_than_mle(ours, mle, real)
  assert reason == 'distinct sentences 0.800 < 0.950 of MLE'


def test_one_sentence_has_no_diversity():
  assert guards.of_size(names(5), 1, AT_TRAIN) == {}
  assert len(guards.of_size(names(5), 2, AT_TRAIN)) == 2
