"""Tests of corpora with a file of each class."""

import gzip
import json

import numpy as np
import pytest

from moegan_jax.data import own
from moegan_jax.data.corpus import describe
from moegan_jax.data.formats import Columns
from moegan_jax.errors import UserError

LINES = [f'word{i % 7} and Word{i % 5} .' for i in range(100)]


def class_files(write, pos=30, neg=60):
  files = [
    write([f'good {i % 9}' for i in range(pos)], 'pos.txt'),
    write(gzip.compress(b'\n'.join([b'bad 1'] * neg)), 'neg.txt.gz'),
  ]
  return ', '.join(files)


def test_a_file_of_each_class(write):
  paths = class_files(write)
  corpus = own.load_own(paths=paths, valid_share=0.1)
  assert corpus.name == 'pos-neg'
  assert corpus.label_names == ('neg', 'pos')
  for part in ('train', 'valid', 'test'):
    words = getattr(corpus, f'{part}_words')
    names = [corpus.label_names[i] for i in corpus.labels[part]]
    assert names == [{'good': 'pos', 'bad': 'neg'}[w[0]] for w in words]
    assert len(set(names)) == 2, part  # the files alternate
  assert corpus.class_sizes == (
    (corpus.labels['train'] == 0).sum(),
    (corpus.labels['train'] == 1).sum(),
  )
  np.testing.assert_allclose(sum(corpus.class_shares), 1)
  assert corpus.class_shares[0] == pytest.approx(2 / 3, abs=0.05)
  assert 'labels      2 classes: neg (5' in describe(corpus.record)
  known = json.loads(json.dumps(corpus.known()))
  again = type(corpus).from_known(known)
  assert again.class_shares == corpus.class_shares
  del known['class_sizes']  # a run of an earlier version
  assert type(corpus).from_known(known).class_shares == ()


def test_bad_lines_of_a_class_are_named_by_their_file(write):
  paths = class_files(write)
  first = paths.split(', ')[0]
  write(['', *(f'good {i}' for i in range(30))], 'pos.txt')
  dropped = own.load_own(paths=paths).record['dropped']
  assert dropped == [f'1 of {paths}: blank (first: {first} line 1)']


def test_wrong_files_of_classes_are_refused(write):
  paths = class_files(write)
  first, second = paths.split(', ')
  table = write(['text,kind', *['good 1,a'] * 30], 'a.csv')
  molecules = write(['CCO'] * 30, 'a.smi')
  for given, said in [
    ({'paths': first}, r'names one file'),
    ({'paths': f'{first},{first}'}, r"two files of the class 'pos'"),
    ({'paths': f'{first},{molecules}'}, r'several formats.*word and smiles'),
    ({'paths': paths, 'path': first}, r'both set'),
    ({'paths': paths, 'test_path': second}, r'test_path=.*no classes'),
    ({'paths': f'{first},gone.txt'}, r'gone\.txt'),
    ({}, r'no file given'),
    (
      {'paths': f'{first},{table}', 'columns': Columns('', 'kind')},
      r'label_column.*the files are the classes',
    ),
  ]:
    with pytest.raises(UserError, match=said):
      own.load_own(**given)


def test_classes_that_are_too_small_are_refused(write):
  corpus = own.load_own(paths=class_files(write, 8, 60))
  with pytest.raises(UserError, match=r"class 'pos' has \d training lines.*10"):
    corpus.check_classes()
  own.load_own(paths=class_files(write)).check_classes()
  path = write(['text,kind', *(f'{line},k' for line in LINES)], 'a.csv')
  corpus = own.load_own(path=path, columns=Columns('', 'kind'))
  with pytest.raises(UserError, match='1 classes are too few'):
    corpus.check_classes()
