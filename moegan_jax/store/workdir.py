"""The folder of a run: who may write to it, and what was run in it."""

import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection

from ml_collections import ConfigDict

from moegan_jax import data, errors
from moegan_jax.data import texts
from moegan_jax.data.corpus import Corpus
from moegan_jax.files import flatten, jsonable, read_json, write_json
from moegan_jax.paths import expand
from moegan_jax.store import lock, schema

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
SHOWN = 5  # differing keys in one message


class Workdir:
  """The folder of a run, with config.json, environment.json and a lock."""

  def __init__(self, path: str | os.PathLike, create: bool = True):
    """Opens a run's folder.

    Args:
      path: the folder; a leading `~` is expanded.
      create: make it and check that it can be written; False is for tools
        that read a run.

    Raises:
      UserError: it is a file, cannot be made or written, or is no run.
    """
    self.path = pathlib.Path(expand(path))
    self._lock = None
    if self.path.exists() and not self.path.is_dir():
      raise errors.UserError(f'--workdir {self.path} is a file; give a folder')
    if not create:
      if not (self.path / schema.CONFIG).is_file():
        raise errors.UserError(
          f'{self.path} is no run: it has no {schema.CONFIG}'
        )
      return
    probe = self.path / '.writable'
    try:
      self.path.mkdir(parents=True, exist_ok=True)
      probe.write_bytes(b'')
      probe.unlink()
    except OSError as error:
      raise errors.UserError(
        f'cannot write to --workdir {self.path}: {error.strerror}'
      ) from error

  @property
  def checkpoints(self) -> pathlib.Path:
    return self.path / schema.CHECKPOINTS

  def lock(self) -> None:
    """Claims the folder for this process until it ends.

    Raises:
      UserError: another process holds it.
    """
    try:
      self._lock = lock.acquire(self.path / schema.LOCK)
    except lock.HeldError as owner:
      raise errors.UserError(
        f'another run (process {owner}) works in {self.path}; wait for it '
        'to end or use another --workdir'
      ) from None

  def unlock(self) -> None:
    """Gives the folder free, which the end of the process does as well."""
    if self._lock is not None:
      self._lock.close()
      self._lock = None

  def read_config(self) -> dict:
    """The settings of the run.

    Raises:
      UserError: config.json is missing or no JSON.
    """
    return self.read_json(schema.CONFIG)

  def read_json(self, name: str) -> dict:
    """A JSON file of the run.

    Raises:
      UserError: it is missing or no JSON.
    """
    return read_json(self.path / name)

  def corpus(self, place: str = '') -> Corpus:
    """Reads the corpus of the run again, with its sentences.

    Args:
      place: folder or file that has the texts now; '' means the recorded
        place. See `texts.locate`.

    Raises:
      UserError: the texts are not found, cannot be read, or have changed
        since the run was trained.
    """
    before = self.read_json(schema.CORPUS)
    settings = ConfigDict(self.read_config()).data
    texts.locate(settings, before['record'], place, str(self.path))
    corpus = data.load(settings).corpus
    keys = ('train_sha256', 'test_sha256', 'train_lines')
    # The checksums are of numbers: other words may have the same.
    if list(corpus.vocabulary) != before['vocabulary'] or any(
      corpus.record[key] != before['record'].get(key) for key in keys
    ):
      raise errors.UserError(
        f'{self.path} was trained on a text that has changed since or cannot '
        'be had; put the old one in its place'
      )
    return corpus

  def claim(
    self,
    config: dict,
    free: Callable[[str], bool] | Collection[str] = (),
  ) -> bool:
    """Writes config.json, or checks that the run there has these settings.

    Args:
      config: nested dicts of plain values.
      free: dotted keys that may differ (with all beneath them), or a
        predicate on dotted keys. The file takes their new values.

    Returns:
      True if the run is new (nothing trained yet), False if it goes on.

    Raises:
      UserError: other settings differ; the text names them.
    """
    config = jsonable(config)
    if not self.has_begun():
      # An attempt that was refused, or failed to compile, does not bind the
      # next one; its untrained parameters may have other shapes.
      shutil.rmtree(self.checkpoints, ignore_errors=True)
      write_json(self.path / schema.CONFIG, config)
      return True
    before = self.read_config()
    old, new = flatten(before), flatten(config)
    # A setting that is younger than the run changed nothing in it so far.
    keys = [
      key for key in old if old[key] != new.get(key) and not _is_free(key, free)
    ]
    # Checksums say nothing to a reader.
    differ = ['its text is another one'] * any(map(_is_sum, keys))
    differ += [
      f'{key} (was {_shown(old, key)}, now {_shown(new, key)})'
      for key in keys
      if not _is_sum(key)
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
    """Writes a JSON file of the run; `name` is one of `schema`.

    Raises:
      UserError: it cannot be written.
    """
    write_json(self.path / name, values)

  def has_begun(self) -> bool:
    """Whether something was trained or measured here."""
    return has_begun(self.path)

  def record_environment(self) -> dict:
    """Writes environment.json, a list: one record for each new environment.

    Returns:
      The present one: versions, platform, devices, git revision, command.
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


def has_begun(path: pathlib.Path) -> bool:
  """Whether something was trained or measured in a folder."""
  saved = [
    p for p in (path / schema.CHECKPOINTS).glob('*-*') if p.name[-2:] != '-0'
  ]
  return bool(saved) or (path / schema.ROWS).exists()


def environment() -> dict:
  """What the numbers of a run may depend on besides its settings."""
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
  """The commit of the source checkout, '-dirty' with uncommitted changes."""
  root = pathlib.Path(__file__).resolve().parents[2]
  if not (root / '.git').exists():  # installed, or inside a foreign checkout
    return None
  command = 'git describe --always --dirty --abbrev=40 --exclude=*'
  try:
    run = subprocess.run(
      command.split(), cwd=root, capture_output=True, text=True, timeout=10
    )
  except (OSError, subprocess.SubprocessError):
    return None
  return run.stdout.strip() or None


def _is_sum(key: str) -> bool:
  """Whether it is one of the corpus' checksums, see `program.recorded`."""
  return key.startswith('corpus.')


def _shown(settings: dict, key: str) -> str:
  return json.dumps(settings[key]) if key in settings else 'absent'


def _is_free(key: str, free: Callable | Collection[str]) -> bool:
  if callable(free):
    return free(key)
  parts = key.split('.')
  return any('.'.join(parts[:n]) in free for n in range(1, len(parts) + 1))
