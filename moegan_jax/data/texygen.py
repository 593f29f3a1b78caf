"""The corpora of the Texygen benchmark: COCO captions and EMNLP2017 news.

The files come from an explicit directory, from the cache, or from upstream by
tensorflow-datasets (without TensorFlow), which checks the sums in
checksums.tsv. None of them ships with this package.
"""

import contextlib
import functools
import hashlib
import io
import logging
import os
import pathlib
import socket
import textwrap
import urllib.parse
import urllib.request
from typing import NamedTuple

import numpy as np

from moegan_jax.data.build import build_corpus, drop_long
from moegan_jax.data.codecs import cache_directory, get_codec, tokenise
from moegan_jax.data.corpus import Corpus
from moegan_jax.data.textfile import parse_text
from moegan_jax.data.texts import recorded
from moegan_jax.errors import UserError

UPSTREAM = 'https://raw.githubusercontent.com/geek-ai/Texygen/master/'
FILES = {  # corpus -> part -> path in Texygen's repository
  'coco': {
    'train': 'data/image_coco.txt',
    'test': 'data/testdata/test_coco.txt',
  },
  'emnlp': {
    'train': 'data/emnlp_news.txt',
    'test': 'data/testdata/test_emnlp.txt',
  },
}
EMNLP_SAMPLE = 'emnlp_news_sample10k.txt'
_CHECKSUMS = pathlib.Path(__file__).with_name('checksums.tsv')
_CONNECT_SECONDS = 3
_SHUFFLE_SEED = 20170523  # part of the identity of the shuffled corpora


class CorpusUnavailable(UserError):
  """Neither a directory nor the cache nor the network has the files."""


class Found(NamedTuple):
  """Files of a corpus.

  data: part -> contents
  names: part -> file name
  origin: where they were found, in words
  notes: remarks for the record
  folder: the directory, if the user named one
  """

  data: dict[str, bytes]
  names: dict[str, str]
  origin: str
  notes: list[str]
  folder: str = ''


def load_texygen(
  name: str,
  *,
  directory: str = '',
  valid_share: float = 0.05,
  max_length: int = 0,
  offline: bool = False,
  shuffled: bool = False,
) -> Corpus:
  """The corpus 'coco' or 'emnlp', in lower-cased word tokens.

  Args:
    name: a key of FILES.
    directory: folder with the files; '' is $MOEGAN_DATA_DIR, and without
      that the cache, then a download.
    valid_share: the last share of the training file for validation; 0 is the
      protocol of the published numbers.
    max_length: longer training sentences are dropped, test sentences cut; 0
      is the longest training sentence.
    offline: True tries no download.
    shuffled: True puts the lines of both files into one order drawn at random
      (always the same) and parts them anew, as many to training as before. The
      corpus is then called NAME_iid.

  Returns:
    The corpus with its record.

  Raises:
    CorpusUnavailable: no directory given, nothing cached, no download.
    UserError: an unknown name, a directory without the files, a broken file.
  """
  if name not in FILES:
    raise UserError(f'unknown corpus {name!r}: choose {" or ".join(FILES)}')
  if max_length < 0:
    raise UserError('max_length must not be negative')
  found = find_files(name, directory=directory, offline=offline)
  codec = get_codec('word')
  notes, parts = list(found.notes), {}
  for part, data in found.data.items():
    file = parse_text(data, found.names[part])
    parts[part] = tokenise(file.lines, codec)
  if shuffled:
    parts['train'], parts['test'] = _reshuffle(parts['train'], parts['test'])
    notes.append(
      'the lines of both files are shuffled, so that training and test text'
      ' are alike'
    )
  train = drop_long(parts['train'], max_length)
  if dropped := len(parts['train']) - len(train):
    notes.append(
      f'{dropped:,} training lines are longer than {max_length} tokens and'
      ' were dropped'
    )
  return build_corpus(
    name=f'{name}_iid' if shuffled else name,
    codec=codec,
    train=train,
    test=parts['test'],
    valid_share=valid_share,
    origin=found.origin,
    record={
      'files': {found.names[p]: _sha256(d) for p, d in found.data.items()},
      'paths': recorded(folder=found.folder),
      'notes': notes,
    },
  )


def _reshuffle(train: list, test: list) -> tuple[list, list]:
  """All lines in another order, parted where the files were parted."""
  lines = [*train, *test]
  order = np.random.RandomState(_SHUFFLE_SEED).permutation(len(lines))
  lines = [lines[i] for i in order]
  return lines[: len(train)], lines[len(train) :]


def find_files(
  name: str, *, directory: str = '', offline: bool = False
) -> Found:
  """The files of a corpus as `Found`; arguments as for `load_texygen`."""
  if directory:
    return _from_directory(name, directory, 'the data directory')
  if directory := os.environ.get('MOEGAN_DATA_DIR', ''):
    return _from_directory(name, directory, 'MOEGAN_DATA_DIR')
  return _from_builder(name, offline)


def registered() -> dict[str, str]:
  """File name -> sha256, of the files whose sum is known."""
  table = _CHECKSUMS.read_text()
  rows = [r.split('\t') for r in table.splitlines() if not r.startswith('#')]
  return {name: sha256 for _, _, sha256, name in rows}


def _sha256(data: bytes) -> str:
  return hashlib.sha256(data).hexdigest()


def _unavailable(name: str, reason: str) -> CorpusUnavailable:
  files = ' and '.join(map(os.path.basename, FILES[name].values()))
  return CorpusUnavailable(
    f'{name}: no copy of {files}: {reason}: set MOEGAN_DATA_DIR to a folder'
    ' that has them'
  )


def _from_directory(name: str, directory: str, setting: str) -> Found:
  """Reads the files from a flat folder or a copy of Texygen's repository."""
  folder = pathlib.Path(directory).expanduser()
  if not folder.is_dir():
    raise UserError(f'{setting} {directory} is no directory: check the path')
  found = Found({}, {}, f'{setting} {directory}', [], str(folder))
  for part, upstream in FILES[name].items():
    path = _locate(folder, upstream)
    if path is None and upstream == FILES['emnlp']['train']:
      path = _locate(folder, EMNLP_SAMPLE)
      if path is not None:
        found.notes.append('training file is the 10,000-line sample')
    if path is None:
      raise UserError(
        f'{setting} {directory} has no {os.path.basename(upstream)}: put it'
        f' there (it is {UPSTREAM}{upstream}) or leave the setting empty'
      )
    try:
      found.data[part] = path.read_bytes()
    except OSError as error:
      raise UserError(f'{path} cannot be read: {error.strerror}') from None
    found.names[part] = path.name
    found.notes.extend(_compare(path.name, found.data[part]))
  return found


def _locate(folder: pathlib.Path, upstream: str) -> pathlib.Path | None:
  relative = pathlib.PurePosixPath(upstream)
  below_data = relative.parts[1:]  # the folder may be Texygen's data/ itself
  for parts in ((relative.name,), relative.parts, below_data):
    if folder.joinpath(*parts).is_file():
      return folder.joinpath(*parts)
  return None


def _compare(name: str, data: bytes) -> list[str]:
  """Notes on a file against the registered sum."""
  expected = registered().get(name)
  if expected is None:
    return [f'{name} has no registered sum, sha256 {_sha256(data)[:16]}']
  return [] if _sha256(data) == expected else [f'{name} differs from upstream']


def _from_builder(name: str, offline: bool) -> Found:
  """Reads the cache of tensorflow-datasets, after a download if need be."""
  folder = cache_directory() / 'tensorflow_datasets'
  # Looked at before the import, which costs up to two seconds.
  cached = any((folder / 'texygen_text' / name).glob('*/dataset_info.json'))
  if not cached and offline:
    raise _unavailable(name, 'nothing cached, and downloads are off')
  if not cached and not _reachable(UPSTREAM):
    raise _unavailable(name, 'nothing cached, and no network')
  try:
    data = prepare(name, folder)
  except ImportError as error:
    raise _unavailable(name, str(error)) from None
  except Exception as error:  # whatever the framework, network or disk says
    text = textwrap.shorten(str(error).partition('\n')[0], 120)
    reason = f'{type(error).__name__}: {text}'
    if cached:
      raise UserError(
        f'{name}: the cached copy cannot be read ({reason}): delete the folder'
        f' {folder / "texygen_text" / name} and start again'
      ) from None
    raise _unavailable(name, f'the download failed ({reason})') from None
  names = {p: os.path.basename(path) for p, path in FILES[name].items()}
  origin = f'cache {folder}' if cached else f'downloaded from {UPSTREAM}'
  notes = [n for p in data for n in _compare(names[p], data[p])]
  return Found(data, names, origin, notes)


def _reachable(url: str) -> bool:
  """Whether a host answers within seconds.

  tensorflow-datasets sets no timeout, so that a network that drops packets
  would hold it for minutes. Behind a proxy only a real request can tell.
  """
  parts = urllib.parse.urlsplit(url)
  if parts.scheme in urllib.request.getproxies():
    return True
  try:
    address = (parts.hostname, parts.port or 443)
    socket.create_connection(address, timeout=_CONNECT_SECONDS).close()
  except OSError:
    return False
  return True


def prepare(
  name: str, folder: pathlib.Path, *, manual_dir: str | None = None
) -> dict[str, bytes]:
  """Contents of the files by part, through tensorflow-datasets.

  Args:
    name: a key of FILES.
    folder: data directory of tensorflow-datasets.
    manual_dir: folder with files under their registered names, which replace
      the download and are checked like it.

  Returns:
    part -> the bytes of the file, put together from its lines.

  Raises:
    What tensorflow-datasets raises: no connection, a wrong checksum, ...
  """
  import tensorflow_datasets as tfds
  from tensorflow_datasets.core.download import downloader

  tfds.disable_progress_bar()
  downloader.MAX_RETRIES = 1  # the default tries for three minutes
  builder = _builder_class()(
    config=name, data_dir=folder, file_format='array_record'
  )
  with _quiet():
    builder.download_and_prepare(
      download_config=tfds.download.DownloadConfig(
        manual_dir=manual_dir, try_download_gcs=False
      )
    )
  data = {}
  for part in FILES[name]:
    source = builder.as_data_source(part)
    # One read of all rows is three times as fast as a loop over them.
    rows = source.__getitems__(range(len(source)))
    data[part] = b'\n'.join(row['line'] for row in rows)
  return data


@contextlib.contextmanager
def _quiet():
  """No announcements and no warnings: exceptions say what matters."""
  before = logging.root.manager.disable
  logging.disable(logging.CRITICAL)
  try:
    with contextlib.redirect_stdout(io.StringIO()):
      yield
  finally:
    logging.disable(before)


@functools.cache
def _builder_class():
  """The tensorflow-datasets builder; once, because its name is registered."""
  import tensorflow_datasets as tfds

  class TexygenText(tfds.core.GeneratorBasedBuilder):
    """Text files line by line, so that their join is the file again."""

    VERSION = tfds.core.Version('1.0.0')
    BUILDER_CONFIGS = [  # noqa: RUF012  (the framework's own way)
      tfds.core.BuilderConfig(name=name) for name in FILES
    ]
    # Left alone, the framework looks for this file by way of a package that
    # it does not require (importlib_resources).
    url_infos = tfds.core.download.checksums.load_url_infos(_CHECKSUMS)

    def _info(self):
      return tfds.core.DatasetInfo(
        builder=self,
        features=tfds.features.FeaturesDict({'line': tfds.features.Text()}),
        homepage='https://github.com/geek-ai/Texygen',
        disable_shuffling=True,  # keeps the order of the lines
      )

    def _split_generators(self, dl_manager):
      urls = {
        part: UPSTREAM + path
        for part, path in FILES[self.builder_config.name].items()
      }
      paths = dl_manager.download(urls)
      return {part: self._generate_examples(paths[part]) for part in urls}

    def _generate_examples(self, path):
      for i, line in enumerate(path.read_bytes().split(b'\n')):
        yield i, {'line': line}

  return TexygenText
