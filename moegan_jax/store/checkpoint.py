"""Checkpoints that are whole or absent. The only file that names orbax.

A checkpoint is a folder `<kind>-<step>`: `state/`, written by orbax, and
`manifest.json` with the paths, shapes and dtypes of all leaves and the sha256
of every file. Orbax keeps no checksums (a flipped bit restores silently) and
casts silently to the dtype it is asked for: both are checked here.

Leaves are stored as NumPy arrays, so that a run of one machine or device can
be restored on any other; typed keys are stored as their key data.
"""

import contextlib
import hashlib
import json
import logging
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from moegan_jax import errors
from moegan_jax.files import jsonable, read_json, write_json

MANIFEST = 'manifest.json'
STATE = 'state'
FORMAT = 1  # of the folder; another one cannot be read
# Paths that TensorStore reads as they are written.
_PLAIN = re.compile(r'[\w/. @%+,=~-]*', re.ASCII)
TEMPORARY = '.tmp-'  # prefix of a save or a deletion that is under way
REPLACED = '.old-'  # prefix of one that makes room for a new one of its name


class Restored(NamedTuple):
  """A checkpoint as it was saved: its step, the pytree and the metadata."""

  step: int
  tree: Any
  meta: dict


class DamagedError(Exception):
  """A checkpoint is not what was written; the text names file and fault."""


class Store:
  """The checkpoints of a run: folders `<kind>-<step>` under a directory."""

  def __init__(
    self, directory: str | os.PathLike, say: Callable[[str], None] = print
  ):
    """Opens a store; nothing is written before the first `save`.

    Args:
      directory: the folder of the checkpoints; made when first needed.
      say: takes one line about a damaged checkpoint.
    """
    self.directory = pathlib.Path(directory)
    self._say = say

  def save(
    self, kind: str, step: int, tree: Any, meta: dict, keep: int | None = None
  ) -> None:
    """Writes `<kind>-<step>`, durably, before it returns.

    Whatever interrupts a save, all earlier checkpoints stay. One of the same
    name is replaced. Leftovers of interrupted saves are removed.

    Args:
      kind: such as 'last', 'best' or 'phase'.
      step: the global step.
      tree: a pytree of arrays, typed keys included.
      meta: anything that JSON can hold.
      keep: how many of this kind to keep, counted back from this one; those
        of later steps are the future that a resumed run has abandoned and go
        too. None keeps all.

    Raises:
      UserError: the folder cannot be written, or the disk is full.
    """
    if keep is not None and keep < 1:
      raise ValueError(f'keep must be at least 1, not {keep}')
    step = int(step)
    name = f'{kind}-{step}'
    entries, arrays = _take_apart(tree)
    manifest = {'format': FORMAT, 'kind': kind, 'step': step}
    manifest |= {'meta': jsonable(meta), 'leaves': entries}
    temporary = self.directory / f'{TEMPORARY}{name}'
    try:
      # Not its parent: a run whose folder was deleted must not go on in half
      # of a new one.
      self.directory.mkdir(exist_ok=True)
      self._sweep()
      temporary.mkdir()
      if arrays:
        with _orbax() as checkpointer, _plain(temporary) as folder:
          checkpointer.save(folder / STATE, arrays)
      _seal(temporary, manifest)
      self._publish(temporary, name)
      if keep is not None:
        steps = self.steps(kind)
        kept = [s for s in steps if s <= step][-keep:]
        for other in set(steps) - set(kept):
          self._discard(f'{kind}-{other}')
    except Exception as error:  # a full disk is no OSError inside of orbax
      raise errors.UserError(
        f'cannot save checkpoint {name} in {self.directory}: '
        f'{_reason(error)}; earlier checkpoints that are there are untouched'
      ) from error
    finally:
      shutil.rmtree(temporary, ignore_errors=True)

  def steps(self, kind: str) -> list[int]:
    """The steps of the checkpoints of a kind, ascending.

    A folder counts if its name reads `<kind>-<step>` and it has a manifest.
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
    """The metadata of a checkpoint; its arrays are not looked at.

    Raises:
      UserError: it cannot be read.
    """
    return read_json(self._folder(f'{kind}-{step}') / MANIFEST)['meta']

  def restore(
    self, kind: str, template: Any = None, step: int | None = None
  ) -> Restored | None:
    """Reads the newest checkpoint of a kind that is intact.

    All files are verified first. A damaged checkpoint is named through `say`
    and the one before is used.

    Args:
      kind: as given to `save`.
      template: a pytree of arrays or `jax.ShapeDtypeStruct`s; the tree comes
        back in its structure. Without it: nested dicts with string keys (and
        without the subtrees that hold no array).
      step: only this one, not the newest.

    Returns:
      A Restored with uncommitted arrays on the default device, or None if
      there is no such checkpoint.

    Raises:
      UserError: all are damaged, or the checkpoint does not fit the template;
        the text names the first path that differs.
    """
    steps = [s for s in reversed(self.steps(kind)) if step in (None, s)]
    faults = []
    for current, before in zip(steps, [*steps[1:], None]):
      folder = self._folder(f'{kind}-{current}')
      try:
        manifest = _verify(folder)
        if template is not None:
          _compare(template, manifest['leaves'], folder)
        leaves = _read_leaves(folder / STATE, manifest['leaves'])
      except DamagedError as fault:
        faults.append(f'{kind}-{current}: {fault}')
        if before is not None:
          self._say(
            f'checkpoint {kind}-{current} is damaged ({fault}); '
            f'using {kind}-{before}'
          )
        continue
      tree = _put_together(leaves, manifest['leaves'], template)
      return Restored(manifest['step'], tree, manifest['meta'])
    if faults:
      raise errors.UserError(
        f'no intact {kind!r} checkpoint in {self.directory} '
        f'({"; ".join(faults)}); remove the folder or use another --workdir'
      )
    return None

  def _folder(self, name: str) -> pathlib.Path:
    """The folder of a checkpoint, also between the renames of `_publish`."""
    folder = self.directory / name
    if (folder / MANIFEST).is_file():
      return folder
    return self.directory / f'{REPLACED}{name}'

  def _sweep(self) -> None:
    """Cleans up after interrupted saves. Only writers may do this."""
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
    """Gives a finished checkpoint its name; at every moment one is there."""
    final, old = self.directory / name, self.directory / f'{REPLACED}{name}'
    replaced = final.exists()
    if replaced:  # a rename cannot replace a folder that is not empty
      os.rename(final, old)
    os.rename(temporary, final)
    _sync(self.directory)
    if replaced:
      self._discard(old.name)

  def _discard(self, name: str) -> None:
    """Deletes a folder, renamed first: half a checkpoint is never listed."""
    doomed = self.directory / f'{TEMPORARY}{name}'
    os.rename(self.directory / name, doomed)
    shutil.rmtree(doomed)


def _reason(error: Exception) -> str:
  """What went wrong, on one line of bearable length."""
  text = getattr(error, 'strerror', None) or str(error) or repr(error)
  if 'RESOURCE_EXHAUSTED' in text:  # TensorStore's word for ENOSPC
    return 'no space left on the disk'
  return text.splitlines()[0][:200]


def _sync(path: pathlib.Path) -> None:
  """Forces a file or a directory to disk."""
  if os.name == 'nt':  # Windows can neither open a directory nor sync this way
    return
  descriptor = os.open(path, os.O_RDONLY)
  try:
    os.fsync(descriptor)
  finally:
    os.close(descriptor)


def _sha256(path: pathlib.Path) -> str:
  with path.open('rb') as file:
    return hashlib.file_digest(file, 'sha256').hexdigest()


def _digest(manifest: dict) -> str:
  """The checksum of a manifest itself: of its text in canonical form."""
  rest = {k: v for k, v in manifest.items() if k != 'sha256'}
  text = json.dumps(rest, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()


def _seal(folder: pathlib.Path, manifest: dict) -> None:
  """Adds the manifest with all checksums and forces everything to disk."""
  paths = sorted(folder.rglob('*'))
  files = [path for path in paths if path.is_file()]
  manifest = manifest | {
    'files': {p.relative_to(folder).as_posix(): _sha256(p) for p in files}
  }
  manifest['sha256'] = _digest(manifest)
  write_json(folder / MANIFEST, manifest)
  for path in [*paths, folder]:
    _sync(path)


def _verify(folder: pathlib.Path) -> dict:
  """Checks a checkpoint against its manifest, which it returns.

  Raises:
    DamagedError: with the first file that is not as written.
  """
  try:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    intact = manifest['sha256'] == _digest(manifest)
  except (OSError, ValueError, KeyError, TypeError, AttributeError):
    intact = False
  if not intact:
    raise DamagedError(f'file {MANIFEST}: wrong checksum')
  if manifest['format'] != FORMAT:
    raise DamagedError(
      f'it has format {manifest["format"]}, and this version reads {FORMAT}'
    )
  for name, expected in manifest['files'].items():
    try:
      found = _sha256(folder / name)
    except FileNotFoundError:
      raise DamagedError(f'file {name}: missing') from None
    except OSError as error:
      raise DamagedError(f'file {name}: {error.strerror}') from None
    if found != expected:
      raise DamagedError(f'file {name}: wrong checksum')
  return manifest


def _flatten(tree: Any) -> list[tuple[list[str], Any]]:
  """The leaves of a pytree with their paths, as lists of plain strings."""
  import jax

  flat, _ = jax.tree_util.tree_flatten_with_path(tree)
  return [
    ([jax.tree_util.keystr((k,), simple=True) for k in path], leaf)
    for path, leaf in flat
  ]


def _describe(path: list[str], leaf: Any) -> dict:
  """One leaf of the manifest; typed keys count as leaves of dtype key<..>."""
  import numpy as np

  if not hasattr(leaf, 'dtype'):
    leaf = np.asarray(leaf)
  return {'path': path, 'shape': list(leaf.shape), 'dtype': str(leaf.dtype)}


def _take_apart(tree: Any) -> tuple[list[dict], dict]:
  """A pytree as manifest entries and nested dicts of NumPy arrays.

  Arrays without elements stand in the manifest only: orbax refuses them.
  """
  import jax
  import numpy as np

  entries, values = [], []
  for path, leaf in _flatten(tree):
    entries.append(_describe(path, leaf))
    if entries[-1]['dtype'].startswith('key<'):
      entries[-1]['key'] = str(jax.random.key_impl(leaf))
      leaf = jax.random.key_data(leaf)
    values.append(leaf)
  values = [np.asarray(value) for value in jax.device_get(values)]
  pairs = [(e['path'], v) for e, v in zip(entries, values) if v.size]
  return entries, _nest(pairs)


def _nest(pairs: list[tuple[list[str], Any]]) -> dict:
  tree: dict = {}
  for path, value in pairs:
    node = tree
    for part in path[:-1]:
      node = node.setdefault(part, {})
    # A bare array has an empty path.
    node[path[-1] if path else ''] = value
  return tree


def _put_together(leaves: list, entries: list[dict], template: Any) -> Any:
  import jax

  if template is not None:
    return jax.tree.unflatten(jax.tree.structure(template), leaves)
  if [entry['path'] for entry in entries] == [[]]:
    return leaves[0]
  return _nest([(e['path'], leaf) for e, leaf in zip(entries, leaves)])


def _compare(template: Any, entries: list[dict], folder: pathlib.Path) -> None:
  """Raises UserError with the first path where template and entries differ."""

  def text(entry: dict | None) -> str:
    return f'{entry["dtype"]} {entry["shape"]}' if entry else 'absent'

  wanted = [_describe(path, leaf) for path, leaf in _flatten(template)]
  wanted = {'/'.join(entry['path']): entry for entry in wanted}
  saved = {'/'.join(entry['path']): entry for entry in entries}
  for path in [*wanted, *saved]:
    ours, theirs = text(wanted.get(path)), text(saved.get(path))
    if ours != theirs:
      raise errors.UserError(
        f'checkpoint {folder} does not fit: {path} is {theirs} in the '
        f'checkpoint and {ours} under the present settings; use the settings '
        'it was saved with, or another --workdir'
      )


@contextlib.contextmanager
def _orbax():
  """A synchronous checkpointer, with the pages it logs kept off the screen.

  Of several processes it is this one's alone: orbax would wait for the others.
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
  """Yields an absolute path of a folder that orbax understands.

  TensorStore takes its paths for URLs or patterns, so that it cannot read what
  it wrote to a folder with, for example, brackets in its name. Such a folder
  is reached through a link with a plain name.
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
  """The leaves in the order of the manifest, bit for bit."""
  import jax
  import jax.numpy as jnp
  import numpy as np

  try:
    tree = {}
    if path.exists():
      with _orbax() as checkpointer, _plain(path.parent) as folder:
        tree = checkpointer.restore(folder / path.name)
  except Exception as error:  # verified above: another version of orbax?
    raise DamagedError(f'orbax cannot read it: {_reason(error)}') from error
  leaves = []
  for entry in entries:
    if 0 in entry['shape']:
      leaf = np.zeros(entry['shape'], jnp.dtype(entry['dtype']))
    else:
      leaf = tree
      for part in entry['path'] or ['']:
        leaf = leaf[part]
    if 'key' in entry:
      leaves.append(jax.random.wrap_key_data(leaf, impl=entry['key']))
      continue
    # A copy: the arrays may be donated. Without x64, jax would cast 64 bits.
    array = jnp.array(leaf)
    leaves.append(array if str(array.dtype) == entry['dtype'] else leaf)
  return leaves
