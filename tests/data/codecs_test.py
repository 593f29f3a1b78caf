"""Tests of the codecs and of the token cache."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moegan_jax.data import bpe, build, codecs, textfile
from moegan_jax.errors import UserError
from moegan_jax.files import write_text

LINES = ["A man isn't here.", 'Two "dogs" run.. fast!', 'one']


@pytest.fixture
def cache(empty_cache):
  """Returns the folder of the cached tokens."""
  return empty_cache / 'tokens'


@pytest.mark.parametrize(
  ('name', 'line', 'tokens', 'text'),
  [
    ('word', "A Dog isn't.", ['a', 'dog', 'is', "n't", '.'], "a dog is n't ."),
    (
      'word_cased',
      "A Dog isn't.",
      ['A', 'Dog', 'is', "n't", '.'],
      "A Dog is n't .",
    ),
    ('char', 'Ab c', ['A', 'b', ' ', 'c'], 'Ab c'),
    ('whitespace', 'A  dog.\tIt', ['A', 'dog.', 'It'], 'A dog. It'),
    ('ids', '3 007 0', ['3', '7', '0'], '3 7 0'),
    (
      'smiles',
      r'C[13CH3:1]/N=Br%12(Cl)',
      ['C', '[13CH3:1]', '/', 'N', '=', 'Br', '%12', '(', 'Cl', ')'],
      r'C[13CH3:1]/N=Br%12(Cl)',
    ),
    ('fasta', 'acgN-*', ['A', 'C', 'G', 'N', '-', '*'], 'ACGN-*'),
  ],
)
def test_split_and_join(name, line, tokens, text):
  codec = codecs.get_codec(name)
  assert codec.name == name
  assert codec.split(line) == tokens
  assert codec.join(tokens) == text


def test_word_codec_does_not_split_sentences():
  split = codecs.get_codec('word').split
  # Only the last period is a token of its own.
  assert split('it ran. it fell.') == ['it', 'ran.', 'it', 'fell', '.']


@pytest.mark.parametrize('line', ['1 -2', '1 2.0', 'a', '²'])
def test_ids_refuse_other_tokens(line):
  with pytest.raises(UserError, match='no number'):
    codecs.get_codec('ids').split(line)


@pytest.mark.parametrize(
  ('name', 'line', 'message'),
  [
    ('smiles', 'CCX', "'X' at character 3"),
    ('smiles', 'C[CH3', r"'\[' at character 2"),
    ('smiles', 'C C', "' ' at character 2"),
    ('smiles', 'C%1', "'%' at character 2"),
    ('fasta', 'AC5', "'5' at character 3"),
    ('fasta', 'ACß', "'ß' at character 3"),
  ],
)
def test_unknown_symbols_are_refused(name, line, message):
  with pytest.raises(UserError, match=message):
    codecs.get_codec(name).split(line)


def test_unknown_codec_names_the_known_ones():
  with pytest.raises(
    UserError, match='word_cased, char, whitespace, ids, smiles'
  ):
    codecs.get_codec('words')
  with pytest.raises(UserError, match='bpe is fitted to the text of a run'):
    codecs.get_codec('bpe')
  with pytest.raises(UserError, match='model of the codec bpe is damaged'):
    codecs.get_codec('bpe', '{"version":')


# --- decode(encode(x)) = x -------------------------------------------------

ATOMS = ('C', 'c', 'N', 'O', 'Cl', 'Br', 'B', '[nH]', '[C@@H]', '[O-]', '1')
ATOMS += ('%10', '(', ')', '=', '#', '/', '\\', '.', 'S', 's', '[13C]')
BPE = bpe.fit(['the dog runs', 'the cats ran', '床前明月光'] * 5, 300)


def round_trip(codec, line):
  return codec.join(codec.split(line))


@given(st.text())
def test_char_round_trip(line):
  assert round_trip(codecs.CODECS['char'], line) == line


@given(st.text())
def test_bpe_round_trip(line):
  assert round_trip(BPE, line) == line
  assert round_trip(codecs.get_codec('bpe', BPE.model), line) == line


@given(st.lists(st.sampled_from(ATOMS)))
def test_smiles_round_trip(tokens):
  smiles = codecs.CODECS['smiles']
  line = ''.join(tokens)
  assert round_trip(smiles, line) == line
  assert smiles.split(line) == tokens


@given(st.text('ACGTNacgtn*-'))
def test_fasta_round_trip_in_upper_case(line):
  assert round_trip(codecs.CODECS['fasta'], line) == line.upper()


@given(st.lists(st.integers(0)))
def test_ids_round_trip(ids):
  line = ' '.join(map(str, ids))
  assert round_trip(codecs.CODECS['ids'], line) == line


@given(st.text())
def test_whitespace_round_trip(line):
  assert round_trip(codecs.CODECS['whitespace'], line) == ' '.join(line.split())


@given(st.sampled_from(sorted(codecs.CODECS)), st.text())
def test_any_line_is_split_or_refused_in_one_line(name, line):
  codec = codecs.CODECS[name]
  try:
    tokens = codec.split(line)
  except UserError as error:
    assert '\n' not in str(error)
  else:
    assert all(tokens)  # a vocabulary writes pad as ''


def test_byte_of_agrees_with_the_library():
  """Covers samples that end inside of a multi-byte character."""
  stands_for = bpe.byte_of()
  assert sorted(stands_for.values()) == list(range(256))
  symbols = {byte: symbol for symbol, byte in stands_for.items()}
  rng = np.random.RandomState(0)
  cases = ['床前明月光 a é 😀'.encode()[:n] for n in range(27)]
  cases += [rng.bytes(8) for _ in range(1000)]
  for case in cases:
    tokens = [symbols[byte] for byte in case]
    assert BPE.join(tokens) == case.decode(errors='replace')


def test_bpe_is_deterministic():
  lines = [f'a line {i} of {i * i} and more' for i in range(200)]
  assert bpe.fit(lines, 400).model == bpe.fit(lines, 400).model


def test_tokenise_reads_its_cache(cache, monkeypatch):
  word = codecs.get_codec('word')
  tokens = codecs.tokenise(LINES, word)
  assert len(list(cache.iterdir())) == 1

  def fail(line):
    raise AssertionError(line)

  assert codecs.tokenise(LINES, word._replace(split=fail)) == tokens
  with pytest.raises(AssertionError):  # another text has another key
    codecs.tokenise(LINES[:2], word._replace(split=fail))


def test_each_word_codec_has_its_own_cache(cache):
  cased, word = codecs.get_codec('word_cased'), codecs.get_codec('word')
  for _ in range(2):  # found, then read
    assert codecs.tokenise(['A Dog'], word) == [['a', 'dog']]
    assert codecs.tokenise(['A Dog'], cased) == [['A', 'Dog']]
  assert len(list(cache.iterdir())) == 2


def test_cache_keeps_lines_without_tokens(cache):
  word = codecs.get_codec('word')
  for _ in range(2):
    assert codecs.tokenise(['a', '', 'b'], word) == [['a'], [], ['b']]


@pytest.mark.parametrize('damage', ['flip', 'cut', 'empty', 'binary'])
def test_damaged_cache_is_ignored_and_replaced(cache, damage):
  word = codecs.get_codec('word')
  tokens = codecs.tokenise(LINES, word)
  (path,) = cache.iterdir()
  good = path.read_bytes()
  path.write_bytes(
    {
      'flip': good.replace(b'dogs', b'cats'),
      'cut': good[:-3],
      'empty': b'',
      'binary': b'\xff\0\n\xfe',
    }[damage]
  )
  assert codecs.tokenise(LINES, word) == tokens
  assert path.read_bytes() == good


def test_unwritable_cache_is_ignored(tmp_path, monkeypatch):
  (tmp_path / 'file').write_text('in the way')
  monkeypatch.setenv('MOEGAN_CACHE_DIR', str(tmp_path / 'file'))
  word = codecs.get_codec('word')
  assert codecs.tokenise(['a b'], word) == [['a', 'b']]


def test_only_the_word_codecs_are_cached(cache):
  assert codecs.tokenise(['ab'], codecs.get_codec('char')) == [['a', 'b']]
  assert codecs.tokenise([], codecs.get_codec('word')) == []
  assert not cache.exists()


# --- tokens that a generator writes are read back --------------------------

WORD_LINES = (
  'A man says "stop it" and ran. He isn\'t "here"',
  "Mr. Lee's `` quoted '' words ...",
  'it cost $5 (or so), 3.5 % -- gonna go.',
  'they cannot «say» ‘that’',
)
TEXTS = {
  'word': WORD_LINES,
  'word_cased': WORD_LINES,
  'char': (' a\u2028b  c ', '床前 \x0c\x85'),
  'whitespace': ("a 'b' ``", '"c. d'),
  'ids': ('0 17 3', '205'),
  'smiles': ('C[13CH3:1]/N=Br%12(Cl)', 'c1ccccc1[nH]BrC%99'),
  'fasta': ('ACGT-*',),
}


def generator_of(name):
  """Builds a corpus whose vocabulary is the tokens of TEXTS."""
  codec = codecs.CODECS[name]
  tokens = [codec.split(line) for line in TEXTS[name]]
  return build.build_corpus(
    name=name, codec=codec, train=tokens * 20, test=tokens
  )


GENERATORS = {name: generator_of(name) for name in codecs.CODECS}


@given(st.data(), st.sampled_from(sorted(codecs.CODECS)))
def test_any_written_tokens_are_read_back(tmp_path_factory, data, name):
  """Checks encode(decode(ids)) == ids through a file for any ids."""
  corpus = GENERATORS[name]
  sentence = st.lists(
    st.integers(1, corpus.vocab_size - 1), min_size=1, max_size=corpus.length
  )
  rows = data.draw(st.lists(sentence, min_size=1, max_size=5))
  ids = np.zeros((len(rows), corpus.length), np.int32)
  for row, tokens in zip(ids, rows):
    row[: len(tokens)] = tokens
  path = tmp_path_factory.getbasetemp() / 'written.txt'
  write_text(path, ''.join(f'{line}\n' for line in corpus.text(ids)))
  lines = textfile.read_written(path)
  np.testing.assert_array_equal(corpus.encode(map(corpus.split, lines)), ids)


def test_quotation_marks_of_a_generator():
  corpus = GENERATORS['word']
  words = ['a', '``', 'man', "''", 'ran.']
  line = corpus.codec.join(words)
  assert corpus.split(line) == words
  # NLTK, on which published scores depend, splits the line differently.
  assert corpus.codec.split(line) == ['a', '``', 'man', '``', 'ran', '.']
  # A line with an unknown word is not from this generator.
  assert corpus.split('A "zebra" ran.') == [
    'a',
    '``',
    'zebra',
    "''",
    'ran',
    '.',
  ]


def test_written_bpe_is_measured_and_scored_as_text():
  """A generator may write tokens other than the canonical ones of their text.

  The run measures the canonical tokens. Its log-probabilities are those of a
  sequence that it can write, so no token is unknown.
  """
  draw = random.Random(0)
  lines = [''.join(draw.choices('ab c', k=9)).strip() for _ in range(40)]
  codec = bpe.fit(lines, 280)
  # As where limits drop lines, the training text lacks tokens of the codec.
  train = [line for line in map(codec.split, lines) if 'ab' not in line]
  corpus = build.build_corpus(name='b', codec=codec, train=train * 5, test=[])
  rng = np.random.RandomState(0)
  ids = rng.randint(1, corpus.vocab_size, (300, corpus.length))
  lengths = rng.randint(1, corpus.length + 1, (300, 1))
  ids[np.arange(corpus.length) >= lengths] = 0
  written = corpus.text(ids)
  canonical = list(map(codec.split, written))
  assert corpus.words(ids) == canonical
  words = [corpus.split(line) for line in written]
  again = corpus.encode(words)
  assert (again < corpus.vocab_size).all() and corpus.text(again) == written
  # The canonical tokens are kept if the generator can write them.
  known = {*corpus.vocabulary}
  too_long = [len(tokens) > corpus.length for tokens in canonical]
  unknown = [not known.issuperset(tokens) for tokens in canonical]
  assert any(too_long) and any(unknown)
  differ = [found != tokens for found, tokens in zip(words, canonical)]
  assert differ == [a or b for a, b in zip(too_long, unknown)]


def test_fewest_tokens():
  assert bpe.fewest('abcd', ('ab', 'a', 'bcd', 'c', 'd')) == ['a', 'bcd']
  assert bpe.fewest('abx', ('ab', 'a')) == bpe.fewest('', ('a',)) == []
