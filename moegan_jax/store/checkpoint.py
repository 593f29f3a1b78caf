"""Checkpoints that are saved atomically and verified when they are restored.

Only this module uses orbax. A checkpoint is a folder `<kind>-<step>` with
`state/`, written by orbax, and a manifest with the path, shape and dtype of
each leaf and the SHA-256 of each file. Orbax keeps no checksums and casts to
the requested dtype without a warning, so this module checks both.

Leaves are stored as NumPy arrays, so that a run can resume on other devices.
"""

import contextlib
import logging
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from moegan_jax import errors
from moegan_jax.files import jsonable, read_json
from moegan_jax.store import leaves, manifest
from moegan_jax.store.manifest import DamagedError
from moegan_jax.store.schema import MANIFEST, STATE

# Characters that TensorStore does not interpret in paths.
_PLAIN = re.compile(r'[\w/. @%+,=~-]*', re.ASCII)
TEMPORARY = '.tmp-'  # prefix of a folder that is being written or deleted
REPLACED = '.old-'  # prefix of a checkpoint that is being replaced


class Restored(NamedTuple):
  """A restored checkpoint.

  Attributes:
    step: the global step.
    tree: the pytree that was saved.
    meta: the metadata that was saved.
  """

  step: int
  tree: Any
  meta: dict


class Store:
  """The checkpoints of a run: folders `<kind>-<step>` in one directory."""

  def __init__(
    self, directory: str | os.PathLike, say: Callable[[str], None] = print
  ):
    """Opens a store. The first `save` creates the directory.

    Args:
      directory: the folder of the checkpoints. Its parent must exist.
      say: prints one line about a damaged checkpoint.
    """
    self.directory = pathlib.Path(directory)
    self._say = say

  def save(
    self, kind: str, step: int, tree: Any, meta: dict, keep: int | None = None
  ) -> None:
    """Writes the checkpoint `<kind>-<step>` to disk before it returns.

    An interrupted save leaves all earlier checkpoints intact; the next save
    removes what it left. A checkpoint of the same name is replaced.

    Args:
      kind: such as 'last', 'best' or 'phase'.
      step: the global step.
      tree: a pytree of arrays and typed keys.
      meta: JSON values.
      keep: number of checkpoints of this kind to keep, including this one.
        Checkpoints of later steps are deleted too, since a resumed run has
        abandoned them. None keeps all.

    Raises:
      UserError: the folder cannot be written, or the disk is full.
    """
    if keep is not None and keep < 1:
      raise ValueError(f'keep must be at least 1, not {keep}')
    step = int(step)
    name = f'{kind}-{step}'
    entries, arrays = leaves.split(tree)
    content = {'format': manifest.FORMAT, 'kind': kind, 'step': step}
    content |= {'meta': jsonable(meta), 'leaves': entries}
    temporary = self.directory / f'{TEMPORARY}{name}'
    try:
      # Without parents: saving must not recreate a deleted workdir.
      self.directory.mkdir(exist_ok=True)
      self._sweep()
      temporary.mkdir()
      if arrays:
        with _orbax() as checkpointer, _plain(temporary) as folder:
          checkpointer.save(folder / STATE, arrays)
      _seal(temporary, content)
      self._publish(temporary, name)
      if keep is not None:
        steps = self.steps(kind)
        kept = [s for s in steps if s <= step][-keep:]
        for other in set(steps) - set(kept):
          self._discard(f'{kind}-{other}')
    except Exception as error:  # orbax does not raise OSError on a full disk
      raise errors.UserError(
        f'cannot save checkpoint {name} in {self.directory}: '
        f'{_reason(error)}; make the folder writable and repeat the command '
        '(earlier checkpoints are intact)'
      ) from error
    finally:
      shutil.rmtree(temporary, ignore_errors=True)

  def steps(self, kind: str) -> list[int]:
    """Returns the steps of the checkpoints of a kind, ascending.

    A folder counts if its name is `<kind>-<step>` and it has a manifest.
    """
    found = set()
    if self.directory.is_dir():
      for path in self.directory.iterdir():
        head, _, tail = path.name.removeprefix(REPLACED).rpartition('-')
        plain = tail.isdecimal() and str(int(tail)) == tail
        if head == kind and plain and (path / MANIFEST).is_file():
          found.add(int(tail))
    return sorted(found)

  def meta(self, kind: str, step: int) -> dict:
    """Reads the metadata of a checkpoint without its arrays.

    Raises:
      UserError: the manifest cannot be read.
    """
    return read_json(self._folder(f'{kind}-{step}') / MANIFEST)['meta']

  def restore(
    self, kind: str, template: Any = None, step: int | None = None
  ) -> Restored | None:
    """Restores the newest intact checkpoint of a kind.

    All files are verified first. If a checkpoint is damaged, its name is
    printed and the previous one is used.

    Args:
      kind: as given to `save`.
      template: a pytree of arrays or `jax.ShapeDtypeStruct`s that gives the
        structure of the result. None gives nested dicts with string keys,
        without subtrees that hold no array.
      step: the step to restore; None for the newest.

    Returns:
      A Restored with uncommitted arrays on the default device; None if there
      is no such checkpoint.

    Raises:
      UserError: all checkpoints are damaged, or one differs from the template
        in a path, a shape or a dtype.
    """
    steps = [s for s in reversed(self.steps(kind)) if step in (None, s)]
    faults = []
    for current, before in zip(steps, [*steps[1:], None]):
      folder = self._folder(f'{kind}-{current}')
      try:
        found = manifest.verify(folder)
        entries = found['leaves']
        if template is not None:
          leaves.check_template(template, entries, folder)
        values = _read_leaves(folder / STATE, entries)
      except DamagedError as fault:
        faults.append(f'{kind}-{current}: {fault}')
        if before is not None:
          self._say(
            f'checkpoint {kind}-{current} is damaged ({fault}); '
            f'using {kind}-{before}'
          )
        continue
      tree = leaves.join(values, entries, template)
      return Restored(found['step'], tree, found['meta'])
    if faults:
      raise errors.UserError(
        f'no intact {kind!r} checkpoint in {self.directory} '
        f'({"; ".join(faults)}); remove the folder or use another --workdir'
      )
    return None

  def _folder(self, name: str) -> pathlib.Path:
    """Returns the folder of a checkpoint, also while it is being replaced."""
    folder = self.directory / name
    if (folder / MANIFEST).is_file():
      return folder
    return self.directory / f'{REPLACED}{name}'

  def _sweep(self) -> None:
    """Removes what interrupted saves left. Only the writing process may."""
    for path in list(self.directory.iterdir()):
      if path.name.startswith(TEMPORARY):
        shutil.rmtree(path)
      elif path.name.startswith(REPLACED):
        name = path.name.removeprefix(REPLACED)
        if (self.directory / name / MANIFEST).is_file():
          self._discard(path.name)
        else:
          os.rename(path, self.directory / name)

  def _publish(self, temporary: pathlib.Path, name: str) -> None:
    """Renames a finished checkpoint; one version exists at every moment."""
    final, old = self.directory / name, self.directory / f'{REPLACED}{name}'
    replaced = final.exists()
    if replaced:  # a rename cannot replace a folder that is not empty
      os.rename(final, old)
    os.rename(temporary, final)
    _sync(self.directory)
    if replaced:
      self._discard(old.name)

  def _discard(self, name: str) -> None:
    """Renames a folder and deletes it, so that no part of it is ever listed."""
    doomed = self.directory / f'{TEMPORARY}{name}'
    os.rename(self.directory / name, doomed)
    shutil.rmtree(doomed)


def _reason(error: Exception) -> str:
  """Returns the first 200 characters of an error as one line."""
  text = getattr(error, 'strerror', None) or str(error) or repr(error)
  if 'RESOURCE_EXHAUSTED' in text:  # TensorStore's code for ENOSPC
    return 'no space left on the disk'
  return text.splitlines()[0][:200]


def _sync(path: pathlib.Path) -> None:
  """Forces a file or a directory to disk."""
  if os.name == 'nt':  # Windows cannot open directories
    return
  descriptor = os.open(path, os.O_RDONLY)
  try:
    os.fsync(descriptor)
  finally:
    os.close(descriptor)


def _seal(folder: pathlib.Path, content: dict) -> None:
  """Writes the manifest of a checkpoint and forces all of it to disk."""
  paths = sorted(folder.rglob('*'))
  manifest.write(folder, content)  # which forces its own file to disk
  for path in [*paths, folder]:
    _sync(path)


@contextlib.contextmanager
def _orbax():
  """Yields a synchronous checkpointer and silences its log meanwhile.

  Only this process takes part in a save; by default orbax waits for all.
  """
  import jax

  loggers = [logging.getLogger(name) for name in ('absl', 'asyncio')]
  levels = [logger.level for logger in loggers]
  for logger in loggers:
    logger.setLevel(logging.CRITICAL + 1)
  try:
    import orbax.checkpoint as ocp

    me = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(
      primary_host=me,
      active_processes={me} if jax.process_count() > 1 else None,
      barrier_sync_key_prefix=f'process{me}',
    )
    handler = ocp.StandardCheckpointHandler(multiprocessing_options=alone)
    with ocp.Checkpointer(
      handler, multiprocessing_options=alone
    ) as checkpointer:
      yield checkpointer
  finally:
    for logger, level in zip(loggers, levels):
      logger.setLevel(level)


@contextlib.contextmanager
def _plain(folder: pathlib.Path) -> Iterator[pathlib.Path]:
  """Yields an absolute path of a folder without special characters.

  TensorStore interprets paths as URLs or patterns, so it cannot read what it
  wrote to a folder whose name has brackets, for example. Such a folder is
  reached through a symbolic link with a plain name.
  """
  folder = folder.absolute()
  if _PLAIN.fullmatch(folder.relative_to(folder.anchor).as_posix()):
    yield folder
    return
  with tempfile.TemporaryDirectory(prefix='moegan-') as place:
    link = pathlib.Path(place, 'checkpoint')
    link.symlink_to(folder, target_is_directory=True)
    yield link


def _read_leaves(path: pathlib.Path, entries: list[dict]) -> list:
  """Reads the leaves of a verified checkpoint in the order of its manifest.

  Raises:
    DamagedError: orbax cannot read the files.
  """
  try:
    arrays = {}
    if path.exists():
      with _orbax() as checkpointer, _plain(path.parent) as folder:
        arrays = checkpointer.restore(folder / path.name)
  except Exception as error:  # the checksums fit: another version of orbax
    raise DamagedError(f'orbax cannot read it: {_reason(error)}') from error
  return leaves.restore(entries, arrays)
