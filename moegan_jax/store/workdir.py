"""The folder of a run: its lock, its settings and its environment."""

import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from typing import IO

from ml_collections import ConfigDict

from moegan_jax import data, errors
from moegan_jax.config import check_keys, compose, keys
from moegan_jax.data import texts
from moegan_jax.data.corpus import Corpus
from moegan_jax.files import flatten, floats, jsonable, read_json, write_json
from moegan_jax.paths import expand
from moegan_jax.store import lock, schema

# Packages whose versions are recorded.
PACKAGES = (
  'jax',
  'jaxlib',
  'flax',
  'optax',
  'orbax-checkpoint',
  'chex',
  'ml_collections',
  'numpy',
  'nltk',
)
SHOWN = 5  # differing settings that an error message lists
# Settings that runs of earlier versions lack -> the value that they used.
ADDED = {
  'generator.conditional': False,
  'data.paths': '',
  'policy.baseline': 'none',
}


class Workdir:
  """The folder of a run.

  Attributes:
    path: the folder.
  """

  def __init__(self, path: str | os.PathLike, create: bool = True):
    """Opens the folder of a run.

    Args:
      path: the folder; a leading `~` is expanded.
      create: whether to create the folder and check that it is writable.
        Programs that only read a run pass False.

    Raises:
      UserError: the path is a file, the folder cannot be created or written,
        or (with create=False) it does not hold a run.
    """
    self.path = pathlib.Path(expand(path))
    self._lock: IO[str] | None = None
    if self.path.exists() and not self.path.is_dir():
      raise errors.UserError(f'{self.path} is a file; pass the folder of a run')
    if not create:
      if not (self.path / schema.CONFIG).is_file():
        raise errors.UserError(
          f'{self.path} is not a run: it has no {schema.CONFIG}; pass the '
          'folder of a run'
        )
      return
    probe = self.path / '.writable'
    try:
      self.path.mkdir(parents=True, exist_ok=True)
      probe.write_bytes(b'')
      probe.unlink()
    except OSError as error:
      raise errors.UserError(
        f'cannot write to --workdir {self.path}: {error.strerror}; choose a '
        'folder that is writable'
      ) from error

  @property
  def checkpoints(self) -> pathlib.Path:
    """The folder of the checkpoints."""
    return self.path / schema.CHECKPOINTS

  def lock(self) -> None:
    """Locks the folder until `unlock` or the end of the process.

    Raises:
      UserError: another process holds the lock.
    """
    try:
      self._lock = lock.acquire(self.path / schema.LOCK)
    except lock.HeldError as owner:
      raise errors.UserError(
        f'another run (process {owner}) uses {self.path}; wait for its end or '
        'use another --workdir'
      ) from None

  def unlock(self) -> None:
    """Releases the lock."""
    if self._lock is not None:
      self._lock.close()
      self._lock = None

  def read_config(self) -> dict:
    """Reads the settings of the run.

    Raises:
      UserError: config.json is missing, is not JSON, or was written by
        another version.
    """
    # A setting such as a clip may be infinite, which JSON holds as a string.
    settings = floats(self.read_json(schema.CONFIG))
    settings.pop('corpus', None)  # checksums, which are no settings
    _complete(settings)
    try:
      check_keys(ConfigDict(settings))
    except errors.UserError as error:
      raise errors.UserError(
        f'{self.path}: {error}; another version of moegan_jax made this run: '
        'use that version, or train it again'
      ) from error
    return settings

  def read_json(self, name: str) -> dict:
    """Reads a JSON file of the run.

    Args:
      name: a file name of `schema`.

    Raises:
      UserError: the file is missing or is not JSON.
    """
    return read_json(self.path / name)

  def corpus(self, place: str = '') -> Corpus:
    """Loads the corpus of the run, with its sentences.

    Args:
      place: folder or file that holds the texts now; '' for the recorded
        place. See `texts.locate`.

    Raises:
      UserError: the texts are not found, cannot be read, or have changed since
        the run was trained; or another version made the run.
    """
    before = self.read_json(schema.CORPUS)
    settings = ConfigDict(self.read_config()).data
    texts.locate(settings, before['record'], place, str(self.path))
    corpus = data.load(settings).corpus
    keys = ('train_sha256', 'test_sha256', 'train_lines')
    # The checksums cover token ids, which other words may share.
    if list(corpus.vocabulary) != before['vocabulary'] or any(
      corpus.record[key] != before['record'].get(key) for key in keys
    ):
      raise errors.UserError(
        f'{self.path} was trained on a text that has changed since or is not '
        'available; restore the old text'
      )
    return corpus

  def claim(
    self,
    config: dict,
    free: Callable[[str], bool] | Collection[str] = (),
  ) -> bool:
    """Writes config.json, or compares it with the settings of a resumed run.

    Settings that the recorded run does not have are accepted, so runs stay
    resumable after settings are added.

    Args:
      config: nested dicts of plain values.
      free: dotted keys that may differ (sections include all their keys), or a
        predicate on dotted keys. Their new values are written.

    Returns:
      True if the run is new (nothing was trained yet), False if it resumes.

    Raises:
      UserError: other settings differ; the message lists them.
    """
    config = jsonable(config)
    if not self.has_begun():
      # An earlier attempt may have stopped before training. Its initial
      # parameters may have other shapes.
      shutil.rmtree(self.checkpoints, ignore_errors=True)
      write_json(self.path / schema.CONFIG, config)
      return True
    before = self.read_json(schema.CONFIG)
    old, new = flatten(before), flatten(config)
    keys = [
      key for key in old if old[key] != new.get(key) and not _is_free(key, free)
    ]
    # The checksums themselves would not help the user.
    differ = ['its corpus differs'] * any(map(_is_checksum, keys))
    differ += [
      f'{key} (was {_show(old, key)}, now {_show(new, key)})'
      for key in keys
      if not _is_checksum(key)
    ]
    if differ:
      more = len(differ) - SHOWN
      tail = f' and {more} more' if more > 0 else ''
      raise errors.UserError(
        f'{self.path} holds a run with other settings: '
        f'{", ".join(differ[:SHOWN])}{tail}; use another --workdir or the '
        'old settings'
      )
    if before != config:
      write_json(self.path / schema.CONFIG, config)
    return False

  def write_json(self, name: str, values: dict) -> None:
    """Writes a JSON file of the run.

    Args:
      name: a file name of `schema`.
      values: the content.

    Raises:
      UserError: the file cannot be written.
    """
    write_json(self.path / name, values)

  def has_begun(self) -> bool:
    """Returns whether something was trained or measured in the folder."""
    return has_begun(self.path)

  def record_environment(self) -> dict:
    """Appends the environment to environment.json, unless it is the last one.

    Returns:
      The current environment; see `environment`.
    """
    path = self.path / schema.ENVIRONMENT
    present = jsonable(environment())
    try:
      records = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
      records = []
    if present not in records[-1:]:
      write_json(path, [*records, present])
    return present


def _complete(settings: dict) -> None:
  """Adds those settings of `ADDED` that the system of a run reads, in place."""
  try:
    read = keys(
      compose(settings.get('system', ''), settings['data'].get('name', ''))
    )
  except (KeyError, errors.UserError):  # `check_keys` says what is wrong
    return
  for key, value in ADDED.items():
    section, name = key.split('.')
    if key in read and isinstance(settings.get(section), dict):
      settings[section].setdefault(name, value)


def has_begun(path: pathlib.Path) -> bool:
  """Returns whether something was trained or measured in a folder.

  Checkpoints of step 0 do not count, since they hold initial parameters.
  """
  saved = [
    p for p in (path / schema.CHECKPOINTS).glob('*-*') if p.name[-2:] != '-0'
  ]
  return bool(saved) or (path / schema.ROWS).exists()


def environment() -> dict:
  """Returns what results may depend on besides the settings.

  Returns:
    Versions, platform, devices, git revision and command line.
  """
  import jax

  devices = jax.devices()
  return {
    'python': platform.python_version(),
    'platform': platform.platform(),
    'versions': {name: _version(name) for name in PACKAGES},
    'device': devices[0].device_kind,
    'devices': len(devices),
    'git': _revision(),
    'command': sys.argv,
  }


def _version(name: str) -> str | None:
  try:
    return importlib.metadata.version(name)
  except importlib.metadata.PackageNotFoundError:
    return None


def _revision() -> str | None:
  """Returns the commit of the source checkout; None without a checkout.

  '-dirty' follows the commit if there are uncommitted changes.
  """
  root = pathlib.Path(__file__).resolve().parents[2]
  # An installed package may lie inside the checkout of another project.
  if not (root / '.git').exists():
    return None
  command = 'git describe --always --dirty --abbrev=40 --exclude=*'
  try:
    run = subprocess.run(
      command.split(), cwd=root, capture_output=True, text=True, timeout=10
    )
  except (OSError, subprocess.SubprocessError):
    return None
  return run.stdout.strip() or None


def _is_checksum(key: str) -> bool:
  """Returns whether a key is a checksum of the corpus.

  `experiment.train_app.recorded` adds these to the settings.
  """
  return key.startswith('corpus.')


def _show(settings: dict, key: str) -> str:
  """Formats a setting for an error message."""
  return json.dumps(settings[key]) if key in settings else 'absent'


def _is_free(key: str, free: Callable | Collection[str]) -> bool:
  """Returns whether a setting, or a section that has it, is among `free`."""
  if callable(free):
    return free(key)
  parts = key.split('.')
  return any('.'.join(parts[:n]) in free for n in range(1, len(parts) + 1))
