"""Any UTF-8 text file, a sentence a line."""

import codecs
import hashlib
import pathlib
from typing import NamedTuple

import numpy as np

from moegan_jax.data import corpus as corpus_lib
from moegan_jax.data.codecs import get_codec, tokenise
from moegan_jax.errors import UserError

LONGEST = 1000  # tokens in a line; beyond it, max_length must be set
_SPLIT_SEED = 20170523  # of the test split; part of the corpus' identity


class TextFile(NamedTuple):
  """What a file holds.

  lines: stripped, none blank
  blank: how many blank lines were skipped
  sha256: of the file's bytes
  """

  lines: list[str]
  blank: int
  sha256: str


def read_text(path: str | pathlib.Path) -> TextFile:
  """Reads a text file; UserError in one line where it is none."""
  path = pathlib.Path(path)
  if path.is_dir():
    raise UserError(f'{path} is a directory: name a text file')
  try:
    data = path.read_bytes()
  except FileNotFoundError:
    raise UserError(f'{path} does not exist: check the path') from None
  except (OSError, ValueError) as error:
    reason = getattr(error, 'strerror', None) or error
    raise UserError(f'{path} cannot be read: {reason}') from None
  return parse_text(data, str(path))


def parse_text(data: bytes, name: str) -> TextFile:
  """Lines of UTF-8 bytes.

  A byte order mark goes, Windows and old Macintosh line ends count as line
  ends, and nothing else does: `str.splitlines` would also part a line at a
  form feed or at U+2028.

  Args:
    data: contents of the file.
    name: of the file, for messages.

  Returns:
    The lines and their record.

  Raises:
    UserError: no text, not UTF-8, or nothing but blank lines.
  """
  sha256 = hashlib.sha256(data).hexdigest()
  if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
    raise UserError(f'{name} is UTF-16 text: save it as UTF-8')
  if b'\0' in data:
    raise UserError(
      f'{name} is a binary file (zero byte at offset {data.index(0)}):'
      ' a text file with a sentence a line is needed'
    )
  try:
    text = data.decode('utf-8-sig')
  except UnicodeDecodeError as error:
    # With a byte order mark, offsets count from behind it.
    start = error.start + len(data) - len(error.object)
    line = data.count(b'\n', 0, start) + 1
    raise UserError(
      f'{name} is not UTF-8: byte 0x{data[start]:02x} at offset {start},'
      f' line {line}: save it as UTF-8'
    ) from None
  text = text.replace('\r\n', '\n').replace('\r', '\n')
  lines = [line.strip() for line in text.removesuffix('\n').split('\n')]
  kept = [line for line in lines if line]
  if not kept:
    what = 'has only blank lines' if data else 'is empty'
    raise UserError(f'{name} {what}: a sentence a line is needed')
  return TextFile(kept, len(lines) - len(kept), sha256)


def split_indices(n: int, share: float) -> tuple[np.ndarray, np.ndarray]:
  """Training and test indices of n lines, each in the order of the file.

  Args:
    n: number of lines.
    share: of test lines; at least one line is drawn.

  Returns:
    Two sorted int arrays, disjoint, together 0..n-1; the same everywhere.
  """
  order = np.random.RandomState(_SPLIT_SEED).permutation(n)
  tests = max(1, round(n * share))
  return np.sort(order[tests:]), np.sort(order[:tests])


def load_text(
  *,
  path: str,
  test_path: str = '',
  codec: str = 'word',
  max_length: int = 0,
  min_count: int = 1,
  test_share: float = 0.1,
  valid_share: float = 0.05,
  name: str = '',
) -> corpus_lib.Corpus:
  """A corpus from one text file, or from two.

  Args:
    path: text file, a sentence a line.
    test_path: file of test sentences; '' draws them from `path`.
    codec: a key of CODECS.
    max_length: longer lines are dropped, from training and test alike; 0 is
      the longest line.
    min_count: training lines with a rarer word are dropped (see `drop_rare`).
    test_share: of lines drawn for the test part, without a test_path.
    valid_share: the last share of training lines for the validation part.
    name: of the corpus; '' is the file's name.

  Returns:
    The corpus; its record counts what was skipped or dropped.

  Raises:
    UserError: a file that is missing, empty, no text, too short, has lines of
      more than LONGEST tokens without a max_length; a setting out of range.
  """
  if not path:
    raise UserError('no text file given: set path to a file, a sentence a line')
  if max_length < 0 or min_count < 0:
    raise UserError('max_length and min_count must not be negative')
  if not test_path and not 0 < test_share < 1:
    raise UserError(f'test_share is {test_share}: choose it between 0 and 1')
  used = get_codec(codec)
  paths = {'train': path} | ({'test': test_path} if test_path else {})
  files = {part: read_text(file) for part, file in paths.items()}
  notes, kept = [], {}
  for part, file in files.items():
    sentences = _tokens(paths[part], file.lines, used)
    kept[part] = corpus_lib.drop_long(sentences, max_length)
    if not kept[part]:
      raise UserError(
        f'{paths[part]}: all lines are longer than max_length={max_length}'
        f' (the shortest has {min(map(len, sentences))} {codec} tokens):'
        ' raise max_length'
      )
    _check_longest(paths[part], kept[part], max_length)
    if dropped := len(sentences) - len(kept[part]):
      notes.append(
        f'{dropped:,} lines of {paths[part]} are longer than {max_length}'
        ' tokens and were dropped'
      )
    if file.blank:
      notes.append(f'{file.blank:,} blank lines of {paths[part]} were skipped')
  train, test = kept['train'], kept.get('test')
  if test is None:
    if len(train) < corpus_lib.MIN_LINES:
      raise UserError(
        f'{path}: {len(train)} lines are too few, at least'
        f' {corpus_lib.MIN_LINES} are needed: give a larger file'
      )
    train_at, test_at = split_indices(len(train), test_share)
    test = [train[i] for i in test_at]
    train = [train[i] for i in train_at]
    notes.append(
      f'test lines are {test_share:.0%} of the file, drawn at random'
    )
  common = corpus_lib.drop_rare(train, min_count)
  if dropped := len(train) - len(common):
    notes.append(
      f'{dropped:,} training lines have a word seen less than {min_count}'
      ' times and were dropped'
    )
  return corpus_lib.build_corpus(
    name=name or pathlib.Path(path).stem,
    codec=used,
    train=common,
    test=test,
    valid_share=valid_share,
    origin=', '.join(paths.values()),
    record={
      'files': {part: file.sha256 for part, file in files.items()},
      'notes': notes,
    },
  )


def _tokens(path, lines, codec) -> corpus_lib.Sentences:
  try:
    return tokenise(lines, codec)
  except UserError as error:
    raise UserError(f'{path}: {error}') from None


def _check_longest(path, sentences, max_length) -> None:
  """UserError on absurd lines, which would set T for the whole corpus."""
  lengths = sorted(map(len, sentences))
  if lengths[-1] > LONGEST and not max_length:
    usual = lengths[int(0.99 * (len(lengths) - 1))]
    raise UserError(
      f'{path}: the longest line has {lengths[-1]:,} tokens, and T would be'
      f' as long: put a sentence on a line, or set max_length (99 % of the'
      f' lines have at most {usual:,})'
    )
