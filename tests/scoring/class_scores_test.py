"""Measures of each class, of samples and of real text."""

import random

import pytest

from moegan_jax.data.build import build_corpus
from moegan_jax.data.codecs import CODECS
from moegan_jax.metrics import classes
from moegan_jax.report import by_class, emphasis, table
from moegan_jax.scoring import table_rows
from moegan_jax.scoring.class_scores import ClassScores

NAMES, WORDS = ('neg', 'pos'), {'neg': 'bad', 'pos': 'good'}


def sentences(rng, name, n):
  return [[WORDS[name], *rng.choices('abcdefgh', k=5)] for _ in range(n)]


@pytest.fixture(scope='module')
def scores():
  rng = random.Random(0)
  parts = {'train': (120, 80), 'test': (60, 40)}
  text = {
    part: [
      (words, name)
      for name, n in zip(NAMES, sizes)
      for words in sentences(rng, name, n)
    ]
    for part, sizes in parts.items()
  }
  for rows in text.values():
    rng.shuffle(rows)
  corpus = build_corpus(
    name='toy',
    codec=CODECS['whitespace'],
    train=[words for words, _ in text['train']],
    test=[words for words, _ in text['test']],
    labels={k: [name for _, name in v] for k, v in text.items()},
  )
  return ClassScores(corpus)


def samples(n, seed=1):
  rng = random.Random(seed)
  return [sentences(rng, name, n) for name in NAMES]


def row(key, values):
  return table_rows.row(key, key, {k: [v] for k, v in values.items()})


def real(scores, n):
  return [
    row('real_train', scores.of_train(n)),
    row('real_test', scores.of_test(n)),
  ]


def test_each_class_is_measured_against_its_own_text(scores):
  good = scores.of_samples(samples(100))
  assert good['class_accuracy'] == 1 == good['class_accuracy[pos]']
  swapped = scores.of_samples(samples(100)[::-1])
  assert swapped['class_accuracy'] == 0
  for name in NAMES:
    key = classes.of_class('bleu2', name)
    assert good[key] > swapped[key] + 0.05
    assert good[f'auc[{name}]'] < 0.75 < swapped[f'auc[{name}]']
  # The classifier is judged on held-out text first.
  truth = scores.of_test(200)
  assert truth['class_accuracy'] == 1 and 'bleu2[pos]' not in truth
  train = scores.of_train(200)
  assert 'class_accuracy' not in train and 'bleu2[pos]' in train


def test_self_bleu_is_compared_at_equal_numbers_of_sentences(scores):
  # 200 samples are 100 of each class; there are 40 held-out lines of pos.
  ours, truth = scores.of_samples(samples(100)), scores.of_test(200)
  assert 'self_bleu4[pos]' not in truth
  assert {'self_bleu4_at_test[pos]', 'self_bleu4_at_test[neg]'} <= set(truth)
  assert {'self_bleu4_at_test[pos]', 'self_bleu4[pos]'} <= set(ours)


def test_collapse_of_one_class_is_marked(scores):
  one = samples(100)
  one[1] = one[1][:1] * 100
  text = real(scores, 200)
  marked = emphasis.mark(row('last', scores.of_samples(one)), text)
  assert marked.label == 'last (collapsed in pos)'
  assert 'collapsed in pos: distinct sentences 0.013' in marked.note
  fine = emphasis.mark(row('last', scores.of_samples(samples(100))), text)
  assert fine.label == 'last'
  copies = samples(100)
  copies[0] = scores._corpora[0].train_words[:100]
  marked = emphasis.mark(row('last', scores.of_samples(copies)), text)
  assert marked.label == 'last (memorised in neg)'


def test_collapsed_class_cannot_win_quality(scores):
  one = samples(100)
  one[1] = one[1][:1] * 100
  good = row('start', scores.of_samples(samples(100)) | {'bleu4': 0.4})
  bad = row('last', scores.of_samples(one) | {'bleu4': 0.9})
  best, said = emphasis.winners([good, bad], real(scores, 200))
  assert 'bleu4' not in best
  assert 'collapsed in pos' in said[0]


def test_table_has_a_line_for_each_class(scores):
  ours = [row('last', scores.of_samples(samples(100)))]
  text = real(scores, 200)
  lines = by_class.plain(ours, text).splitlines()
  assert lines[0] == 'Classes'
  heads = [line.split('  ')[0] for line in lines[2:5]]
  assert heads == ['neg: last', 'neg: real_train', 'neg: real_test']
  assert by_class.markdown(ours, text).startswith('## Classes\n')
  assert by_class.plain([], []) == by_class.markdown([], []) == ''
  # The main table has the accuracy and no columns of classes.
  assert table.present(ours) == ['class_accuracy']
