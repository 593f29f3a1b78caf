"""Tests of table headers, encodings and undecodable bytes."""

import pytest

from moegan_jax.data import records
from moegan_jax.data.reading import Columns
from moegan_jax.errors import UserError

ROWS = [f'the cat number {i} sees a dog .' for i in range(30)]


@pytest.fixture
def read(tmp_path):
  def read(lines, name='a.csv', **options):
    (tmp_path / name).write_bytes(
      b''.join(x if isinstance(x, bytes) else f'{x}\n'.encode() for x in lines)
    )
    return records.read_records(tmp_path / name, Columns(**options))

  return read


def texts(found):
  return [record.text for record in found.records if not record.wrong]


def test_a_table_without_a_header(read):
  found = read(ROWS, header='False')
  assert texts(found) == ROWS
  assert found.notes == ()
  assert found.form == 'a csv table, column 1'
  two = [f'{i},{row}' for i, row in enumerate(ROWS)]
  assert texts(read(two, header='false', text='2')) == ROWS
  assert texts(read(two, header='false', label='1')) == ROWS
  with pytest.raises(UserError, match=r'columns 1, 2: choose one by data.col'):
    read(two, header='false')
  tsv = [f'{i}\t{row}' for i, row in enumerate(ROWS)]
  assert texts(read(tsv, 'a.tsv', header='false', text='2')) == ROWS


@pytest.mark.parametrize(
  ('lines', 'value'),
  [
    (ROWS, ROWS[0]),
    (['3.5,a', '4,b'], '3.5'),
    (['CCO', 'CCC', 'CCO'], 'CCO'),
    (['it runs .', 'a', 'b'], 'it runs .'),
  ],
)
def test_a_header_that_looks_like_data_is_named(read, lines, value):
  options = {'text': lines[0].split(',')[-1]}
  found = read(lines, **options)
  assert texts(found) == [line.split(',')[-1] for line in lines[1:]]
  (note,) = found.notes
  assert f'a.csv: {value!r} in line 1 looks like data' in note
  assert 'set --config.data.header=false' in note
  assert read(lines, header='true', **options).notes == ()


def test_a_normal_header_has_no_note(read):
  for header in ('text', 'Text of the caption', 'review_text', 'id2'):
    assert read([header, *ROWS]).notes == ()


def test_the_hint_is_part_of_an_error(read):
  with pytest.raises(UserError, match=r'1.5, x: choose .*data.header=false'):
    read(['1.5,x', '2.5,y'])
  with pytest.raises(UserError, match=r"data.header='no' is unknown"):
    read(ROWS, header='no')


# --- bytes that are not UTF-8 ----------------------------------------------


@pytest.mark.parametrize('name', ['a.txt', 'a.csv', 'a.jsonl', 'a.smi'])
def test_one_bad_byte_drops_one_record(read, name):
  head, form = [], '{}'
  if name == 'a.csv':
    head = ['text']
  if name == 'a.jsonl':
    form = '{{"text": "{}"}}'
  lines = [form.format(f'C{"C" * i}') for i in range(30)]
  lines[7] = lines[7].replace('CC', 'C\0', 1).encode().replace(b'\0', b'\xe9')
  lines[7] += b'\n'
  found = read([*head, *lines], name)
  assert len(texts(found)) == 29
  (dropped,) = records.summary(found.records, name)
  line = 8 + len(head)
  assert dropped == (
    f'1 of {name}: bytes that are not UTF-8 (first: line {line}, byte 0xe9)'
  )


def test_another_encoding(read):
  line = 'café à la crème'
  data = [f'{line}\n'.encode('latin-1')] * 30
  with pytest.raises(UserError, match=r'0xe9 at offset 3, line 1.*encoding'):
    read(data, 'a.txt')
  assert texts(read(data, 'a.txt', encoding='latin-1')) == [line] * 30
  wide = [(f'{line}\n' * 30).encode('utf-16')]
  assert texts(read(wide, 'a.txt', encoding='UTF-16')) == [line] * 30
  with pytest.raises(UserError, match=r'a.txt is UTF-16 text'):
    read(wide, 'a.txt')
  with pytest.raises(UserError, match=r'a.txt is not ascii: byte 0xe9'):
    read(data, 'a.txt', encoding='ascii')


@pytest.mark.parametrize('encoding', ['latin-0', 'hex', 'rot13', '', 'a\0'])
def test_unknown_encodings_are_refused(read, encoding):
  with pytest.raises(UserError, match=r'data.encoding=.* is unknown'):
    read(ROWS, 'a.txt', encoding=encoding)


def test_a_header_that_is_not_utf8(read):
  with pytest.raises(UserError, match=r'line 1: byte 0xe9 is not UTF-8'):
    read([b'caf\xe9\n', *ROWS])
