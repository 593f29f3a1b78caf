"""Tests of file formats: records, dropped records and errors."""

import gzip
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moegan_jax.data import formats, records
from moegan_jax.data.formats import Columns
from moegan_jax.errors import UserError

HALF_GZIP = gzip.compress(b'one', mtime=0)[:-9]


@pytest.fixture
def read(tmp_path):
  def read(name, content, *columns):
    data = content.encode() if isinstance(content, str) else content
    (tmp_path / name).write_bytes(data)
    return records.read_records(tmp_path / name, Columns(*columns))

  return read


def texts(found):
  return [r.text for r in found.records if not r.wrong]


def array(values, **kwargs):
  file = io.BytesIO()
  np.save(file, np.array(values, **kwargs), allow_pickle=True)
  return file.getvalue()


def test_text_with_any_line_ends(read):
  found = read('a.txt', '\ufeffone \r\n\r\n two\rthree')
  assert texts(found) == ['one', 'two', 'three']
  assert [r.line for r in found.records if not r.wrong] == [1, 3, 4]
  assert records.summary(found.records, 'a.txt') == [
    '1 of a.txt: blank (first: line 2)'
  ]
  assert (found.form, found.codec) == ('a sentence a line', 'word')
  assert read('poems', 'one').codec == 'word'


def test_empty_sentences_only(tmp_path):
  path = tmp_path / 'a.txt'
  path.write_text('\n' * 30)
  found = records.read_records(path, allow_blank=True).records
  assert [r.wrong for r in found] == ['blank'] * 30
  with pytest.raises(UserError, match='only blank lines'):
    records.read_records(path)


def test_a_table_by_the_name_of_a_column(read):
  table = 'id,Caption,kind\n1,"a, ""b""\n\nc",x\n2,d,\n\n3,e\n4, ,y\n5,f,y\n'
  found = read('a.csv', table, 'Caption', 'kind')
  # A line break in a field becomes a blank: a sample is a line.
  assert texts(found) == ['a, "b" c', 'f']
  assert [r.label for r in found.records if not r.wrong] == ['x', 'y']
  assert records.summary(found.records, 'a.csv') == [
    '1 of a.csv: a row without a label (first: line 5)',
    '2 of a.csv: blank (first: line 6)',
    '1 of a.csv: a row with another number of fields'
    ' (first: line 7, 2 in place of 3)',
  ]
  assert found.form == 'a csv table, column Caption'


def test_the_delimiter_is_that_of_the_header(read):
  for delimiter in ',;\t':
    table = f'text{delimiter}label\n"a, b; c\td"{delimiter}0\n'
    found = read('a.csv', table, 'text', 'label')
    assert texts(found) == ['a, b; c\td']
    assert found.records[0].label == '0'


def test_a_long_field(read):
  found = read('a.csv', f'text,n\n"{"a b " * 50_000}",1\n', 'text')
  assert len(texts(found)[0]) == 199_999


def test_byte_order_marks_of_joined_files(read):
  joined = b''.join(f'\ufeff{text}\n'.encode() for text in ('a', 'b c', 'd'))
  assert texts(read('a.txt', joined)) == ['a', 'b c', 'd']


def test_default_column(read):
  assert texts(read('a.csv', 'line\na\nb\n')) == ['a', 'b']
  assert texts(read('a.csv', 'id,text\n1,a\n')) == ['a']
  assert texts(read('a.csv', 'kind,line\n1,a\n', '', 'kind')) == ['a']


def test_tsv_has_no_quoting(read):
  found = read('a.tsv', 'text\tn\n"Go," he\t1\nsaid "\t2\n')
  assert texts(found) == ['"Go," he', 'said "']


def test_json_lines(read):
  lines = [
    '{"text": "a\\r\\nb", "stars": 5}',
    '{"stars": 1}',
    '["text"]',
    '{"text": 5}',
    '[' * 100_000,
    '{"text": "half \\ud800"}',
    '{"text": "zero \\u0000"}',
    '{"text": "c", "stars": false}',
    '{"text": "d", "stars": null}',
    '',
  ]
  found = read('a.jsonl', '\n'.join(lines), '', 'stars')
  assert texts(found) == ['a b', 'c']
  assert [r.label for r in found.records if not r.wrong] == ['5', 'false']
  assert records.summary(found.records, 'x') == [
    '3 of x: an object without text in the field text (first: line 2)',
    '2 of x: not a JSON object (first: line 3)',
    '2 of x: a row without a label (first: line 4)',
  ]
  numbers = '{"text": 0}\n{"text": 1.5}\n{"text": "a1"}\n{"text": null}\n'
  assert texts(read('b.jsonl', numbers)) == ['0', '1.5', 'a1']


def test_fasta_over_several_lines(read):
  found = read(
    'a.fa', '; made by hand\n>s1 human\nAC GT\n\nacg\n>s2\n>s3\nTT\n'
  )
  assert texts(found) == ['ACGTacg', 'TT']
  assert [r.line for r in found.records] == [2, 6, 7]
  assert records.summary(found.records, 'a') == [
    '1 of a: blank (first: line 6)'
  ]


def test_smiles_and_a_name(read):
  assert texts(read('a.smi', 'CCO ethanol, 96 %\nC\tmethane\n\nO\n')) == [
    'CCO',
    'C',
    'O',
  ]


def test_ids_end_at_the_first_zero(read):
  found = read('a.npy', array([[3, 1, 2], [5, 0, 0], [0, 0, 0]], dtype='u1'))
  assert texts(found) == ['3 1 2', '5']
  assert found.codec == 'ids'
  assert [r.wrong for r in found.records] == ['', '', 'blank']


def test_gzip_does_not_change_the_records(read):
  plain = read('a.txt', 'one\ntwo\n')
  packed = read('a.txt.gz', gzip.compress(b'one\ntwo\n'))
  assert packed == plain
  ids = array([[1, 2]])
  assert read('b.npy.GZ', gzip.compress(ids)) == read('b.npy', ids)


@pytest.mark.parametrize(
  ('name', 'content', 'columns', 'message'),
  [
    ('a.csv', 'a,b\n1,2\n', (), 'has the columns a, b: choose one by data.col'),
    ('a.csv', 'caption,b\n1,2\n', ('captoin',), "did you mean 'caption'"),
    (
      'a.csv',
      'text,b\n1,2\n',
      ('', 'label'),
      "data.label_column='label' is un",
    ),
    ('a.csv', '\n1\n', (), 'line 1: a table begins with the names'),
    ('a.csv', 'text\n"a', (), 'begins in line 2 cannot be read .unexpected'),
    ('a.csv', 'text\n"a" b\n', (), 'stray quotation mark'),
    (
      'a.csv',
      'text\n"' + 'a' * 200_000,
      (),
      'unexpected end of data.*stray quotation mark',
    ),
    ('a.csv', 'text\n', (), 'has only blank lines: a csv table'),
    ('a.csv', '', (), 'line 1: a table begins'),
    ('a.csv', b'text\ncaf\xe9\n', (), 'not UTF-8: byte 0xe9 at offset 8'),
    (
      'a.txt',
      'a',
      ('x',),
      "data.column='x': .* a sentence a line, which has no",
    ),
    ('a.fa', '>a\nC\n', ('', 'x'), "data.label_column='x': .* is FASTA"),
    ('a.fa', 'ACGT\n', (), 'line 1: no header'),
    ('a.jsonl', '\n\n', (), 'has only blank lines'),
    ('a.jsonl', '', (), 'is empty'),
    ('a.jsonl', 'a\n[1]\n', (), 'no line is a JSON object'),
    ('a.json', '[]', (), 'save an object a line as .jsonl'),
    ('a.npz', 'PK', (), 'save one array as .npy'),
    ('a.npy', 'hello', (), 'is no array of NumPy'),
    ('a.npy', array([[1, 2]])[:-4], (), 'is no array of NumPy'),
    ('a.npy', array([[{}]], dtype=object), (), 'is no array of NumPy: Object'),
    ('a.npy', array([[1.0]]), (), r'holds float64 \[1, 1\]: a matrix of whole'),
    ('a.npy', array([1, 2]), (), r'holds int64 \[2\]'),
    ('a.npy', array([[1, 2], [1, -2]]), (), 'row 2: ids must not be negative'),
    ('a.npy', array([[1, 0, 2]]), (), 'row 1: ids follow on a 0'),
    ('a.txt.gz', 'plain', (), 'is no whole gzip file'),
    (
      'a.txt.gz',
      gzip.compress(b'one', mtime=0)[:-9],
      (),
      'is no whole gzip file',
    ),
  ],
)
def test_errors_are_one_line(read, name, content, columns, message):
  with pytest.raises(UserError, match=message) as caught:
    read(name, content, *columns)
  assert '\n' not in str(caught.value)


@given(data=st.binary(max_size=80), ending=st.sampled_from([*formats.FORMATS]))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data, ending):
  path = tmp_path_factory.getbasetemp() / f'any{ending}'
  path.write_bytes(data)
  try:
    found = records.read_records(path)
  except UserError as error:
    assert '\n' not in str(error)
  else:
    assert all(r.text or r.wrong for r in found.records)
    json.dumps(found.form)
