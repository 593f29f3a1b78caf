"""Tests of corpora from the user's own files."""

import gzip
import json
import sys

import numpy as np
import pytest

from moegan_jax import config, data
from moegan_jax.data import own
from moegan_jax.data.corpus import describe
from moegan_jax.data.formats import Columns
from moegan_jax.errors import UserError

pytestmark = pytest.mark.usefixtures('empty_cache')

LINES = [f'word{i % 7} and Word{i % 5} .' for i in range(100)]


def test_split_indices():
  train, test = own.split_indices(50, 0.1)
  assert len(test) == 5
  assert sorted([*train, *test]) == list(range(50))
  assert list(train) == sorted(train)
  again = own.split_indices(50, 0.1)
  np.testing.assert_array_equal(test, again[1])
  # RandomState is stable across versions, and runs depend on this split.
  assert test.tolist() == [10, 28, 42, 47, 49]
  assert len(own.split_indices(20, 0.001)[1]) == 1


def test_load_text_splits_one_file(write):
  corpus = own.load_own(path=write(LINES))
  assert corpus.name == 'my'
  assert corpus.train.shape == (86, 4)
  assert corpus.valid.shape == (4, 4)
  assert corpus.test.shape == (10, 4)
  assert corpus.vocab_size == 7 + 2 + 1  # word0..6, and, ., pad
  assert len(corpus.record['files']['train']) == 64
  words = corpus.train_words + corpus.valid_words + corpus.test_words
  assert sorted(map(' '.join, words)) == sorted(map(str.lower, LINES))
  np.testing.assert_array_equal(
    own.load_own(path=write(LINES)).train, corpus.train
  )


def test_load_text_with_a_test_file(write):
  corpus = own.load_own(
    path=write(LINES),
    test_path=write(['word1 and something new here'], 'test.txt'),
    valid_share=0,
    name='mine',
  )
  assert corpus.name == 'mine'
  assert len(corpus.train) == 100
  assert corpus.test.shape == (1, 4)
  assert corpus.record['test_cut'] == 1
  assert corpus.record['test_unknown_lines'] == 1.0
  assert set(corpus.record['files']) == {'train', 'test'}


def test_char_codec_keeps_blanks_and_case(write):
  corpus = own.load_own(path=write(LINES), codec='char')
  assert corpus.text(corpus.train[:1])[0] in LINES
  assert {' ', 'W', 'w'} <= set(corpus.vocabulary)


def test_long_lines_and_blank_lines_are_counted(write):
  path = write([*LINES, '', 'one two three four five six', ' '])
  corpus = own.load_own(path=path, max_length=4)
  assert corpus.length == 4
  assert corpus.record['dropped'] == [
    f'2 of {path}: blank (first: line 101)',
    f'1 of {path}: longer than max_length=4 tokens (first: line 102, 6 tokens)',
  ]
  assert (corpus.record['lines_read'], corpus.record['lines_kept']) == (
    103,
    100,
  )
  assert 'six' not in corpus.vocabulary


@pytest.mark.parametrize('limit', [{'min_count': 2}, {'max_vocab': 9}])
def test_a_cut_vocabulary_drops_training_lines(write, limit):
  path = write([*LINES, 'a hapax', 'another one'])
  test = write(['a hapax'], 'test.txt')
  corpus = own.load_own(path=path, test_path=test, **limit)
  assert len(corpus.train) + len(corpus.valid) == 100
  assert corpus.test.tolist() == [[corpus.unk, corpus.unk, 0, 0]]
  assert corpus.record['dropped'] == [
    f'2 of {path}: a word that min_count or max_vocab leaves out'
    " (first: line 101, 'a')"
  ]
  assert 'of 13 that were read, cut by min_count' in describe(corpus.record)


def test_lengths_of_the_plan(write):
  lines = [' '.join('ab'[i % 2] * n) for i, n in enumerate(range(1, 101))]
  files = {'path': write(lines), 'test_path': write(['a'], 'test.txt')}
  said = describe(own.load_own(**files, codec='whitespace').record)
  # Of lines of 1 to 100 tokens, half have at most 50.
  assert 'at most 50 tokens, 90 % 90, 99 % 99, the longest 100' in said
  assert 'T is that of the longest training line\n' in said
  cut = own.load_own(**files, codec='whitespace', max_length=30)
  assert cut.length == 30
  assert cut.record['length_100'] == 100
  assert 'within data.max_length=30' in describe(cut.record)
  outlier = {'path': write([*['a b'] * 200, 'a ' * 50])}
  said = describe(own.load_own(**outlier, codec='whitespace').record)
  assert 'data.max_length=2 would drop 1 %' in said


def test_labels_follow_their_lines(write):
  rows = ['text,kind', *(f'{line},k{i % 3}' for i, line in enumerate(LINES))]
  corpus = own.load_own(
    path=write(rows, 'a.csv'), columns=Columns('', 'kind'), max_length=4
  )
  assert corpus.label_names == ('k0', 'k1', 'k2')
  for part in ('train', 'valid', 'test'):
    sentences = getattr(corpus, f'{part}_words')
    assert len(sentences) == len(corpus.labels[part])
    for words, label in zip(sentences, corpus.labels[part]):
      at = [line.lower() for line in LINES].index(' '.join(words))
      # A line recurs after 35; 105 = 3 * 35 lines have all three classes.
      assert int(label) in {i % 3 for i in range(at, 100, 35)}


def test_fewer_lines_keep_their_labels(write):
  settings = config.load('moegan:text').data
  settings.path = write(
    ['line,kind', *(f'{x},{len(x)}' for x in LINES)], 'a.csv'
  )
  settings.label_column, settings.limit = 'kind', 7
  corpus = data.load(settings).corpus
  names = [corpus.label_names[i] for i in corpus.labels['train']]
  assert names == [str(len(' '.join(s))) for s in corpus.train_words]
  assert len(names) == len(corpus.train) == 7
  assert len(corpus.labels['test']) == len(corpus.test) == 10


# File -> header, record, expected text.
FORMATS = {
  'a.txt': ('\ufeff', 'A dog runs.\r\n', 'a dog runs .'),
  'a.csv': ('n,text\r\n', '1,"A dog, runs"\r\n', 'a dog , runs'),
  'a.tsv': ('n\ttext\n', '1\tA "dog" runs\n', "a `` dog '' runs"),
  'a.jsonl': ('', '{"text": "A dog\\nruns"}\n', 'a dog runs'),
  'a.fasta': ('', '>s 1\nACGT\nacg\n', 'ACGTACG'),
  'a.smi': ('', 'C[C@@H](N)C(=O)O alanine\n', 'C[C@@H](N)C(=O)O'),
}


@pytest.mark.parametrize('gz', [False, True])
@pytest.mark.parametrize('name', FORMATS)
def test_every_format_reads_as_expected(write, name, gz):
  head, record, text = FORMATS[name]
  data = (head + record * 30).encode()
  path = write(gzip.compress(data), f'{name}.gz') if gz else write(data, name)
  corpus = own.load_own(path=path)
  assert corpus.name == 'a'
  assert set(corpus.text(corpus.train)) == {text}
  again = own.load_own(path=write(data, f'b{name}'))
  assert again.record['files'] == corpus.record['files']


@pytest.mark.parametrize(
  ('codec', 'lines'),
  [
    ('word', ['a black dog', 'it']),
    ('char', ['床前明月光，', '月 光']),
    ('whitespace', ['A dog. Runs', 'It']),
    ('bpe', ['The dog runs', ' 光']),
    ('smiles', ['CC(=O)Cl', 'O']),
    ('fasta', ['ACGT', 'A']),
    ('ids', ['5 0 7', '0']),
  ],
)
def test_pad_is_no_token_of_any_codec(write, codec, lines):
  corpus = own.load_own(path=write(lines * 20), codec=codec)
  assert set(corpus.text(corpus.train)) == {line.strip() for line in lines}
  ended = (corpus.train == corpus.pad).sum(axis=1)
  lengths = [len(words) for words in corpus.train_words]
  np.testing.assert_array_equal(corpus.length - ended, lengths)
  assert max(lengths) == corpus.length > min(lengths)
  every = lengths + [len(words) for words in corpus.valid_words]
  assert corpus.record['train_mean_length'] == pytest.approx(np.mean(every))
  # Tokens after the end are not read.
  short = corpus.train[ended > 1]
  noise = short.copy()
  noise[:, -1] = 1
  assert len(short)
  assert corpus.text(noise) == corpus.text(short)


def test_an_array_of_ids(tmp_path):
  ids = np.array([[7, 30, 0], [30, 7, 7]] * 20)
  np.save(tmp_path / 'x.npy', ids)
  corpus = own.load_own(path=str(tmp_path / 'x.npy'))
  assert corpus.vocabulary == ('', '7', '30')
  assert set(corpus.text(corpus.train)) == {'7 30', '30 7 7'}
  assert set(map(tuple, corpus.train)) == {(1, 2, 0), (2, 1, 1)}


def test_bpe_is_fitted_to_training_text_and_kept(write):
  lines = [f'the dog no {i % 9} runs' for i in range(60)]
  test = write(['zebra Zoo ?'], 'test.txt')
  corpus = own.load_own(
    path=write(lines), test_path=test, codec='bpe', max_vocab=280
  )
  assert set(corpus.text(corpus.train)) == set(lines)
  assert corpus.length < 17  # "the dog no 1 runs" has as many characters
  again = type(corpus).from_known(json.loads(json.dumps(corpus.known())))
  assert again.text(corpus.train) == corpus.text(corpus.train)
  assert again.codec.split('zebra dog') == corpus.codec.split('zebra dog')
  assert (corpus.test == corpus.unk).any()


@pytest.mark.parametrize(
  ('content', 'settings', 'message'),
  [
    (LINES[:19], {}, 'my.txt: 19 lines are too few, at least 20'),
    (LINES[:20], {}, 'my.txt: 18 training lines are too few'),
    (LINES, {'max_length': 2}, 'all lines are longer than max_length=2 .the'),
    (LINES, {'min_count': 99}, 'my.txt: 0 training lines are too few'),
    (LINES, {'max_length': -1}, 'data.max_length=-1 must not be negative'),
    (LINES, {'max_vocab': -1}, 'data.max_vocab=-1 must not be negative'),
    (LINES, {'codec': 'bpe', 'max_vocab': 9}, 'too small for the codec bpe'),
    (LINES, {'columns': Columns('text')}, 'which has no columns'),
    (LINES, {'test_share': 0}, 'test_share is 0'),
    (LINES, {'test_share': 1.0}, 'test_share is 1.0'),
    (LINES, {'valid_share': 0.9}, 'valid_share is 0.9'),
    (LINES, {'codec': 'wrod'}, "unknown codec 'wrod'"),
    (
      LINES,
      {'codec': 'ids'},
      "my.txt: 100 of 100 lines cannot be used; line 1 is .*'word0' is no num",
    ),
    (LINES, {'test_path': 'gone.txt'}, 'gone.txt does not exist'),
    ([*LINES, 'x ' * 2000], {}, 'longest line has 2,000 tokens'),
    ('', {}, 'my.txt is empty'),
    (
      ['床前明月光，疑是地上霜。'] * 50 + LINES[:30],
      {},
      'are a single word: set --config.data.codec=char',
    ),
    (
      ['CC(=O)O', 'c1ccccc1', 'O', 'CCO'] * 30,
      {},
      'are a single word: set --config.data.codec=smiles',
    ),
  ],
)
def test_errors_are_one_line(write, content, settings, message):
  with pytest.raises(UserError, match=message) as caught:
    own.load_own(path=write(content), **settings)
  assert '\n' not in str(caught.value)


def test_note_if_test_words_are_unknown(write):
  single = [f'name{i}' for i in range(60)]
  corpus = own.load_own(path=write(single), codec='word')  # they are meant
  assert 'data.codec=char or bpe' in describe(corpus.record)
  assert 'char or bpe' not in describe(own.load_own(path=write(LINES)).record)


def test_no_file():
  with pytest.raises(UserError, match='no file given'):
    own.load_own(path='')


def test_a_test_part_that_the_limits_empty_is_refused(write):
  # All lines of the test part are too long.
  _, drawn = own.split_indices(40, 0.05)
  lines = ['a b c' if i in drawn else 'a b' for i in range(40)]
  with pytest.raises(UserError, match='no line of the test part is left'):
    own.load_own(path=write(lines), max_length=2, test_share=0.05)


def test_bpe_without_its_library(write, monkeypatch):
  monkeypatch.setitem(sys.modules, 'tokenizers', None)
  with pytest.raises(UserError, match='pip install tokenizers'):
    own.load_own(path=write(LINES), codec='bpe')
