"""Builds a corpus from the user's own text files."""

from collections.abc import Iterator, Sequence

import numpy as np

from moegan_jax.data import bpe, class_files
from moegan_jax.data.build import build_corpus, common_words
from moegan_jax.data.codecs import BPE, Codec, get_codec, tokenise
from moegan_jax.data.corpus import MIN_LINES, Corpus
from moegan_jax.data.reading import BLANK, DEFAULT, Columns, Record
from moegan_jax.data.records import Records, read_records, summary
from moegan_jax.data.texts import recorded
from moegan_jax.errors import UserError

LONGEST = 1000  # tokens; a longer line needs an explicit max_length
_WORDS = ('word', 'word_cased', 'whitespace')
_SPLIT_SEED = 20170523  # of the test split; another seed is another corpus


def split_indices(n: int, share: float) -> tuple[np.ndarray, np.ndarray]:
  """Draws the training and test indices of n lines.

  Args:
    n: number of lines.
    share: share of test lines; at least one line is drawn.

  Returns:
    Two sorted, disjoint int arrays that together hold 0..n-1. They depend on
    n and share only.
  """
  order = np.random.RandomState(_SPLIT_SEED).permutation(n)
  tests = max(1, round(n * share))
  return np.sort(order[tests:]), np.sort(order[:tests])


def load_own(
  *,
  path: str = '',
  paths: str = '',
  test_path: str = '',
  columns: Columns = DEFAULT,
  codec: str = 'auto',
  max_length: int = 0,
  min_count: int = 1,
  max_vocab: int = 0,
  test_share: float = 0.1,
  valid_share: float = 0.05,
  name: str = '',
) -> Corpus:
  """Builds a corpus from one file, from two, or from a file of each class.

  Args:
    path: file in one of the formats of `formats.FORMATS`.
    paths: instead of `path`, a file of each class, separated by commas; see
      `class_files.read_classes`.
    test_path: file of test sentences; '' draws them from the other files.
    columns: options for reading the files.
    codec: a key of CODECS, 'bpe', or 'auto': the codec of the file format.
    max_length: maximum number of tokens; longer training and test lines are
      dropped. 0 means no limit.
    min_count, max_vocab: limits of the vocabulary (see `common_words`).
      Training lines with a word beyond them are dropped. max_vocab is the
      size of bpe.
    test_share: share of lines drawn for the test part if test_path is ''.
    valid_share: share of training lines, counted from the end, that becomes
      the validation part.
    name: name of the corpus; '' means the name of the file.

  Returns:
    The corpus. Its record counts the lines that were dropped, with reasons.

  Raises:
    UserError: a file is missing, empty, not of its format, too short or
      mostly unreadable, has lines of more than LONGEST tokens without a
      max_length, or a setting is out of range.
  """
  class_files.check(path, paths, test_path)
  _check_limits(max_length=max_length, min_count=min_count, max_vocab=max_vocab)
  if not test_path and not 0 < test_share < 1:
    raise UserError(
      f'data.test_share is {test_share}: choose it between 0 and 1'
    )
  places = {'train': path or paths} | ({'test': test_path} if test_path else {})
  files = {
    part: (class_files.read_classes if paths == place else read_records)(
      place, columns
    )
    for part, place in places.items()
  }
  path = places['train']
  records = {part: file.records for part, file in files.items()}
  _check_readable(places, records)
  notes = [note for file in files.values() for note in file.notes]
  drawn = set[tuple[str, int]]()
  if not test_path:
    drawn = _draw(records['train'], test_share, path)
    notes.append(
      f'test lines are {test_share:.0%} of the file, drawn at random'
    )
  train, _ = _parts(records, drawn)
  used = _codec(codec, files['train'], train, max_vocab)
  records = {part: _tokenised(rows, used) for part, rows in records.items()}
  _check_readable(places, records)
  train, _ = _parts(records, drawn)
  lengths = sorted(len(r.tokens) for r in train)
  if codec == 'auto' and used.name == 'word':
    _check_words(train, path)
  records = {
    part: _limited(rows, max_length, places[part])
    for part, rows in records.items()
  }
  train, _ = _parts(records, drawn)
  sentences = [r.tokens for r in train]
  cap = 0 if used.name == BPE else max_vocab
  common = common_words(sentences, min_count, cap)
  records['train'] = [
    row if class_files.place(row) in drawn else _without_rare(row, common)
    for row in records['train']
  ]
  train, test = _parts(records, drawn)
  if not test:
    raise UserError(
      f'{test_path or path}: no line of the test part is left: raise'
      ' data.test_share or the limits'
    )
  figures = {
    'format': '; '.join(dict.fromkeys(file.form for file in files.values())),
    'lines_read': sum(map(len, records.values())),
    'lines_kept': len(train) + len(test),
    **_lengths(lengths, max_length),
    'files': {part: file.sha256 for part, file in files.items()},
    'paths': recorded(
      **{'classes' if paths == p else part: p for part, p in places.items()}
    ),
    'dropped': [
      line
      for part, rows in records.items()
      for line in summary(rows, places[part])
    ],
    'notes': notes,
  }
  words = len({word for sentence in sentences for word in sentence})
  if len(common) < words:
    figures['vocabulary_read'] = words
    figures['vocabulary_cut'] = f'min_count={min_count}, max_vocab={cap}'
  corpus = build_corpus(
    name=name or class_files.name_of(path),
    codec=used,
    train=[r.tokens for r in train],
    test=[r.tokens for r in test],
    valid_share=valid_share,
    origin=', '.join(places.values()),
    record=figures,
    labels={
      'train': [r.label for r in train],
      'test': [r.label for r in test],
    }
    if columns.label or paths
    else None,
  )
  if used.name in _WORDS and corpus.record['test_unknown_tokens'] > 0.5:
    notes.append(
      'most words of the test lines do not occur in training: use'
      ' --config.data.codec=char or bpe for text without blanks or with rare'
      ' words only'
    )
  return corpus


def _check_words(records: Sequence[Record], path: str) -> None:
  """Raises UserError if most lines are a single word.

  The codec word would learn whole lines as tokens.
  """
  single = [record for record in records if ' ' not in record.text]
  if 2 * len(single) <= len(records):
    return
  said = (
    f'{path}: {len(single):,} of {len(records):,} training lines are a single'
    ' word: set --config.data.codec='
  )
  if _are_molecules(single):
    raise UserError(
      f'{said}smiles for molecules, or --config.data.codec=char for other text'
      ' without blanks'
    )
  raise UserError(
    f'{said}char for text without blanks between words (Chinese, names,'
    ' passwords), or --config.data.codec=word to learn whole words'
  )


def _are_molecules(records: Sequence[Record]) -> bool:
  """Returns whether all texts parse as SMILES and most contain carbon."""
  smiles = get_codec('smiles')
  try:
    tokens = [smiles.split(record.text) for record in records]
  except UserError:
    return False
  return 2 * sum('C' in t or 'c' in t for t in tokens) > len(tokens)


def _check_limits(**limits: int) -> None:
  for key, value in limits.items():
    if value < 0:
      raise UserError(f'data.{key}={value} must not be negative')


def _usable(records: Sequence[Record]) -> list[Record]:
  return [record for record in records if not record.wrong]


def _draw(
  records: list[Record], share: float, path: str
) -> set[tuple[str, int]]:
  """Draws the places of the test records; see `split_indices`."""
  usable = _usable(records)
  if len(usable) < MIN_LINES:
    raise UserError(
      f'{path}: {len(usable)} lines are too few, at least'
      f' {MIN_LINES} are needed: give a larger file'
    )
  _, test = split_indices(len(usable), share)
  return {class_files.place(usable[i]) for i in test}


def _parts(
  records: dict[str, list[Record]], drawn: set[tuple[str, int]]
) -> tuple[list[Record], list[Record]]:
  """Returns the usable training and test records."""
  train = _usable(records['train'])
  if 'test' in records:
    return train, _usable(records['test'])
  return (
    [r for r in train if class_files.place(r) not in drawn],
    [r for r in train if class_files.place(r) in drawn],
  )


def _codec(
  name: str, file: Records, train: list[Record], max_vocab: int
) -> Codec:
  """Returns the codec of a name; fits bpe to training text only."""
  name = file.codec if name == 'auto' else name
  if name != BPE:
    return get_codec(name)
  return bpe.fit([record.text for record in train], max_vocab)


def _tokenised(records: list[Record], codec: Codec) -> list[Record]:
  """Tokenises the records, and marks those that the codec cannot read."""
  usable = _usable(records)
  try:
    tokens = tokenise([record.text for record in usable], codec)
    found: Iterator[Record] = map(_with_tokens, usable, tokens)
  except UserError:  # find out which records the codec cannot read
    found = (_tokenised_one(record, codec) for record in usable)
  return [record if record.wrong else next(found) for record in records]


def _tokenised_one(record: Record, codec: Codec) -> Record:
  try:
    return _with_tokens(record, codec.split(record.text))
  except UserError as error:
    reason = f'not readable by the codec {codec.name}'
    return record._replace(wrong=reason, detail=str(error))


def _with_tokens(record: Record, tokens: list[str]) -> Record:
  return record._replace(tokens=tokens, wrong='' if tokens else BLANK)


def _check_readable(
  paths: dict[str, str], records: dict[str, list[Record]]
) -> None:
  """Raises UserError if most records of a file cannot be used."""
  for part, rows in records.items():
    bad = [r for r in rows if r.wrong and r.wrong != BLANK]
    if 2 * len(bad) > len(rows):
      detail = f': {bad[0].detail}' if bad[0].detail else ''
      raise UserError(
        f'{paths[part]}: {len(bad):,} of {len(rows):,} lines cannot be used;'
        f' line {bad[0].line} is {bad[0].wrong}{detail}'
      )


def _limited(records: list[Record], max_length: int, path: str) -> list[Record]:
  """Marks the records that are longer than max_length; see `drop_long`.

  Raises:
    UserError: all records are longer, or a record has more than LONGEST
      tokens and max_length is 0. Its length would be T for the whole corpus.
  """
  lengths = sorted(len(record.tokens) for record in _usable(records))
  if not lengths:
    return records
  if max_length and lengths[0] > max_length:
    raise UserError(
      f'{path}: all lines are longer than max_length={max_length}'
      f' (the shortest has {lengths[0]} tokens): raise max_length'
    )
  if lengths[-1] > LONGEST and not max_length:
    usual = _percentile(lengths, 99)
    raise UserError(
      f'{path}: the longest line has {lengths[-1]:,} tokens, and T would be'
      f' as long: put one sentence on each line, or set max_length (99 % of the'
      f' lines have at most {usual:,})'
    )
  if not max_length:
    return records
  reason = f'longer than max_length={max_length} tokens'
  return [
    r._replace(wrong=reason, detail=f'{len(r.tokens)} tokens')
    if len(r.tokens) > max_length
    else r
    for r in records
  ]


def _without_rare(record: Record, common: set[str]) -> Record:
  """Marks the record if it has a word outside of `common`."""
  rare = next((w for w in record.tokens if w not in common), None)
  if record.wrong or rare is None:
    return record
  reason = 'a word that min_count or max_vocab leaves out'
  return record._replace(wrong=reason, detail=repr(rare))


def _percentile(lengths: list[int], percent: int) -> int:
  """Returns a percentile of sorted lengths (nearest rank)."""
  return lengths[max(0, -(-len(lengths) * percent // 100) - 1)]


def _lengths(lengths: list[int], max_length: int) -> dict[str, int | str]:
  """Computes percentiles of sorted lengths, and explains T."""
  if not lengths:
    return {}
  found = {f'length_{p}': _percentile(lengths, p) for p in (50, 90, 99, 100)}
  if max_length and lengths[-1] > max_length:
    by = f'that of the longest line within data.max_length={max_length}'
  elif lengths[-1] > 2 * found['length_99']:
    by = (
      'that of the longest training line;'
      f' data.max_length={found["length_99"]} would drop 1 % of the lines'
    )
  else:
    by = 'that of the longest training line'
  return found | {'length_by': by}
