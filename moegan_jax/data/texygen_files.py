"""Finds or downloads the files of the Texygen benchmark.

The files come from a directory that the user names, from the cache, or from
upstream. tensorflow-datasets (without TensorFlow) downloads them and compares
their checksums with checksums.tsv. The package does not contain the files.
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

from moegan_jax.data.codecs import cache_directory
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


class CorpusUnavailable(UserError):
  """The files are in no directory, not in the cache and not on the network."""


class Found(NamedTuple):
  """Files of a corpus.

  Attributes:
    data: 'train', 'test' -> contents
    names: 'train', 'test' -> file name
    origin: where the files were found, in words
    notes: remarks for the record
    folder: the directory, if the user named one
  """

  data: dict[str, bytes]
  names: dict[str, str]
  origin: str
  notes: list[str]
  folder: str = ''


def find_files(
  name: str, *, directory: str = '', offline: bool = False
) -> Found:
  """Finds the files of a corpus; see `load_texygen` for the arguments."""
  if directory:
    return _from_directory(name, directory, 'the data directory')
  if directory := os.environ.get('MOEGAN_DATA_DIR', ''):
    return _from_directory(name, directory, 'MOEGAN_DATA_DIR')
  return _from_builder(name, offline)


def registered() -> dict[str, str]:
  """Returns the sha256 of each file in checksums.tsv by file name."""
  table = _CHECKSUMS.read_text()
  rows = [r.split('\t') for r in table.splitlines() if not r.startswith('#')]
  return {name: digest for _, _, digest, name in rows}


def sha256(data: bytes) -> str:
  """Returns the checksum of some bytes."""
  return hashlib.sha256(data).hexdigest()


def _unavailable(name: str, reason: str) -> CorpusUnavailable:
  files = ' and '.join(map(os.path.basename, FILES[name].values()))
  return CorpusUnavailable(
    f'{name}: no copy of {files}: {reason}: set MOEGAN_DATA_DIR to a folder'
    ' that has them'
  )


def _from_directory(name: str, directory: str, setting: str) -> Found:
  """Reads the files from a flat folder or a clone of Texygen's repository."""
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
  below_data = relative.parts[1:]  # for Texygen's own folder data/
  for parts in ((relative.name,), relative.parts, below_data):
    if folder.joinpath(*parts).is_file():
      return folder.joinpath(*parts)
  return None


def _compare(name: str, data: bytes) -> list[str]:
  """Compares a file with its registered checksum; returns notes."""
  expected = registered().get(name)
  if expected is None:
    return [f'{name} has no registered checksum, sha256 {sha256(data)[:16]}']
  return [] if sha256(data) == expected else [f'{name} differs from upstream']


def _from_builder(name: str, offline: bool) -> Found:
  """Reads the cache of tensorflow-datasets, after a download if needed."""
  folder = cache_directory() / 'tensorflow_datasets'
  # Checked without tensorflow-datasets, whose import takes two seconds.
  cached = any((folder / 'texygen_text' / name).glob('*/dataset_info.json'))
  if not cached and offline:
    raise _unavailable(name, 'nothing cached, and downloads are off')
  if not cached and not _reachable(UPSTREAM):
    raise _unavailable(name, 'nothing cached, and no network')
  try:
    data = prepare(name, folder)
  except ImportError as error:
    raise _unavailable(name, str(error)) from None
  except Exception as error:  # the library raises many types
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
  """Returns whether a host accepts connections within seconds.

  tensorflow-datasets sets no timeout, so it would wait for minutes on a network
  that drops packets. Behind a proxy the result is always True, because only a
  real request can tell.
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
  """Downloads or reads the files of a corpus by tensorflow-datasets.

  Args:
    name: a key of FILES.
    folder: data directory of tensorflow-datasets.
    manual_dir: folder with files under their registered names, which replace
      the download and whose checksums are verified as well.

  Returns:
    'train', 'test' -> the bytes of the file.

  Raises:
    Exception: any error of tensorflow-datasets, such as no connection or a
      wrong checksum.
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
    # Reading all rows at once is three times as fast as a loop.
    rows = source.__getitems__(range(len(source)))
    data[part] = b'\n'.join(row['line'] for row in rows)
  return data


@contextlib.contextmanager
def _quiet():
  """Suppresses log messages and prints of tensorflow-datasets."""
  before = logging.root.manager.disable
  logging.disable(logging.CRITICAL)
  try:
    with contextlib.redirect_stdout(io.StringIO()):
      yield
  finally:
    logging.disable(before)


@functools.cache
def _builder_class():
  """Defines the tensorflow-datasets builder.

  Its name can be registered only once in a process.
  """
  import tensorflow_datasets as tfds

  class TexygenText(tfds.core.GeneratorBasedBuilder):
    """Stores text files line by line without any change."""

    VERSION = tfds.core.Version('1.0.0')
    BUILDER_CONFIGS = [  # noqa: RUF012  (as the library documents)
      tfds.core.BuilderConfig(name=name) for name in FILES
    ]
    # By default the library finds this file through importlib_resources, which
    # it does not require.
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
