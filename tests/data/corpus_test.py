"""Tests of corpora against values computed by hand."""

import json

import numpy as np
import pytest

from moegan_jax.data import build as build_lib
from moegan_jax.data import corpus as corpus_lib
from moegan_jax.data.codecs import CODECS
from moegan_jax.errors import UserError

# 20 lines of the words a b c d, at most 3 in a line; only the last has a d.
TRAIN = [['b', 'a'], ['a'], ['b', 'c', 'a']] * 6 + [['c'], ['d', 'b']]
TEST = [['a', 'zz', 'b', 'yy'], ['b', 'a'], ['b', 'a'], ['c'], ['zz']]


def build(**kwargs):
  settings = {
    'name': 'tiny',
    'codec': CODECS['word'],
    'train': TRAIN,
    'test': TEST,
    'origin': 'by hand',
  }
  return build_lib.build_corpus(**(settings | kwargs))


def test_ids_padding_and_unknown_words():
  corpus = build()
  # a b c d are 1..4; pad 0; V = 5; start 5; unknown 6; T = 3
  assert corpus.vocabulary == ('', 'a', 'b', 'c', 'd')
  assert (corpus.vocab_size, corpus.length, corpus.pad) == (5, 3, 0)
  assert (corpus.start, corpus.unk) == (5, 6)
  assert corpus.train.dtype == np.int32
  np.testing.assert_array_equal(
    corpus.train[:3], [[2, 1, 0], [1, 0, 0], [2, 3, 1]]
  )
  np.testing.assert_array_equal(
    corpus.test,
    [[1, 6, 2], [2, 1, 0], [2, 1, 0], [3, 0, 0], [6, 0, 0]],
  )
  assert corpus.test_words == TEST  # references keep unknown words and length


def test_validation_part_is_the_end_of_training_and_shares_its_vocabulary():
  corpus = build(valid_share=0.05)
  np.testing.assert_array_equal(corpus.valid, [[4, 2, 0]])
  assert corpus.valid_words == [['d', 'b']]
  assert len(corpus.train) == len(corpus.train_words) == 19
  # "d" occurs in the validation part only, and still has a class
  assert 'd' in corpus.vocabulary
  assert build(valid_share=0.0).valid.shape == (0, 3)
  assert build(valid_share=0.0).valid_words == []


def test_words_are_cut_at_the_first_pad():
  corpus = build()
  tokens = np.array([[1, 0, 2], [0, 1, 1], [2, 3, 4], [6, 5, 0]])
  assert corpus.words(tokens) == [
    ['a'],
    [],
    ['b', 'c', 'd'],
    ['<unk>', '<unk>'],
  ]
  assert corpus.text(tokens)[:3] == ['a', '', 'b c d']


def test_encode_inverts_words():
  corpus = build()
  np.testing.assert_array_equal(
    corpus.encode(corpus.words(corpus.train)), corpus.train
  )
  np.testing.assert_array_equal(corpus.encode([['', 'a']]), [[6, 1, 0]])


def test_without_pad_and_vocabulary_ids_are_numbers():
  tokens = np.array([[0, 3], [2, 0]], np.int32)
  corpus = corpus_lib.Corpus(
    name='oracle',
    train=tokens,
    valid=tokens[:0],
    test=tokens,
    vocab_size=4,
    pad=None,
    codec=CODECS['ids'],
    record={},
  )
  assert corpus.text(tokens) == ['0 3', '2 0']
  np.testing.assert_array_equal(corpus.encode(corpus.words(tokens)), tokens)


def test_figures_by_hand():
  record = build().record
  assert record['train_lines'] == 19
  assert record['valid_lines'] == 1
  assert record['vocabulary'] == 4
  assert record['train_max_length'] == 3
  assert record['train_mean_length'] == pytest.approx(39 / 20)
  assert record['test_max_length'] == 4
  assert record['test_cut'] == 1
  # 3 of 10 test tokens are unknown, in 2 of 5 lines
  assert record['test_unknown_tokens'] == pytest.approx(0.3)
  assert record['test_unknown_lines'] == pytest.approx(0.4)
  # "b a" (twice) and "c" occur in training
  assert record['overlap_sentences'] == 2
  assert record['overlap_lines'] == 3
  assert record['train_duplicates'] == 20 - 5
  assert record['test_duplicates'] == 1


def test_record_is_json_and_repeatable():
  first, second = build().record, build().record
  assert json.loads(json.dumps(first)) == second
  changed = build(train=[*TRAIN[:-1], ['d', 'a']]).record
  assert changed['train_sha256'] != first['train_sha256']
  assert changed['test_sha256'] == first['test_sha256']


def test_array_sha256_depends_on_shape_and_not_on_layout():
  x = np.arange(6, dtype=np.int32).reshape(2, 3)
  assert corpus_lib.array_sha256(x) != corpus_lib.array_sha256(x.reshape(3, 2))
  assert corpus_lib.array_sha256(x) == corpus_lib.array_sha256(
    np.asfortranarray(x)
  )


def test_numbers_sort_as_numbers():
  train = [['10', '9', '2']] * 20
  corpus = build(codec=CODECS['ids'], train=train, test=[['2']])
  assert corpus.vocabulary == ('', '2', '9', '10')


def test_drop_long_and_common_words():
  sentences = [['a', 'b', 'c'], ['a'], ['a', 'b'], ['d', 'a'], []]
  assert build_lib.drop_long(sentences, 0) == sentences
  assert build_lib.drop_long(sentences, 1) == [['a'], []]
  common = build_lib.common_words
  assert common(sentences) == {'a', 'b', 'c', 'd'}
  assert common(sentences, 2) == {'a', 'b'}
  # c and d are equally rare; the first in sorted order is kept.
  assert common(sentences, 1, 3) == {'a', 'b', 'c'}
  assert common(sentences, 3, 2) == {'a'}


def test_labels_are_split_like_their_sentences():
  names = ['x', 'y', 'x', 'z'] * 5
  labels = {'train': names, 'test': ['y', 'w', 'x', 'y', 'z']}
  corpus = build(labels=labels, valid_share=0.1)
  assert corpus.label_names == ('w', 'x', 'y', 'z')
  assert {k: v.dtype for k, v in corpus.labels.items()} == {
    part: np.int32 for part in ('train', 'valid', 'test')
  }
  found = [*corpus.labels['train'], *corpus.labels['valid']]
  assert [corpus.label_names[i] for i in found] == names
  assert len(corpus.labels['valid']) == len(corpus.valid) == 2
  np.testing.assert_array_equal(corpus.labels['test'], [2, 0, 1, 2, 3])
  said = corpus_lib.describe(corpus.record)
  assert (
    '3 classes: x (10), y (5), z (5); read with generator.conditional' in said
  )
  assert build().labels == {}


def test_from_known_inverts_known():
  corpus = build(codec=CODECS['char'])
  known = json.loads(json.dumps(corpus.known()))
  again = corpus_lib.Corpus.from_known(known)
  assert again.known() == corpus.known() | {'train_size': 0}
  np.testing.assert_array_equal(again.encode(corpus.train_words), corpus.train)
  assert again.text(corpus.train) == corpus.text(corpus.train)


@pytest.mark.parametrize(
  ('settings', 'message'),
  [
    ({'train': TRAIN[:19]}, 'by hand: 19 training lines are too few'),
    ({'valid_share': 0.6}, 'valid_share is 0.6'),
    ({'valid_share': -0.1}, 'valid_share is -0.1'),
  ],
)
def test_bad_settings(settings, message):
  with pytest.raises(UserError, match=message):
    build(**settings)


def test_describe_is_aligned_and_complete():
  known = {'seed': 7, 'extra': 8, 'notes': ['drawn by hand']}
  record = build(record=known).record
  lines = corpus_lib.describe(record).splitlines()
  assert lines[0] == 'corpus      tiny (word tokens)'
  assert 'training    19 lines, and 1 for validation' in lines
  assert ' ' * 12 + 'sentences drawn with seed 7' in lines
  assert 'extra       8' in lines
  assert lines[-1] == 'note        drawn by hand'
  assert '30.0%' in corpus_lib.describe(record)
  assert all(line[11] == ' ' and line[12] != ' ' for line in lines)
  # Records of other corpora lack most entries.
  assert corpus_lib.describe({'train_lines': 3}) == 'train lines  3'
  assert corpus_lib.describe({}) == ''
